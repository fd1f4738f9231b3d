"""Languages whose cells are whole programs: each is compiled, if need be, and run in a process of its own.

Nothing is kept between cells but the files in the working directory.
"""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field

from kernel import INTERRUPTED, Ask, Emit, exit_status, signal_name
from program import Programs

# Of a compiler's complaint; it may be as long as the templates are deep.
COMPLAINT_CHARACTERS = 64 * 1024


@dataclass
class Description:
    """A language as its language.json has it. In commands, {source} and {program} are paths, {folder} is theirs."""

    # As in a kernel_info_reply's language_info.
    language_info: dict
    # What prints the version; the first line of its output that has a digit is shown.
    version: list[str]
    # The file that a cell is written to.
    source: str
    run: list[str]
    # Commands that make the program, one after the other; none where there is nothing to make.
    compile: list[list[str]] = field(default_factory=list)
    # What is put before a cell that does not hold it, on its first line.
    opening: str = ""

    @classmethod
    def from_file(cls, path: str) -> "Description":
        with open(path, encoding="utf-8") as file:
            return cls(**json.load(file))


class Compiled:
    """A `Language`, see kernel.py."""

    descriptors = ()

    def __init__(self, description: Description):
        self._description = description
        self._programs = Programs()
        # Asked now and read later: it is only told when a client asks who we are.
        self._version = subprocess.Popen(
            description.version, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._version_line: str | None = None
        # Clients ask on shell and on control, which two threads serve.
        self._asking = threading.Lock()

    def info(self) -> dict:
        language, version = self._description.language_info, self._read_version()
        return {
            "implementation": f"cellblock-{language['name']}",
            "banner": f"{language['name']} {version}",
            "language_info": language | {"version": version},
            "help_links": [],
        }

    def _read_version(self) -> str:
        with self._asking:
            if self._version_line is None:
                said, _ = self._version.communicate()
                lines = [line for line in said.splitlines() if any(map(str.isdigit, line))]
                self._version_line = lines[0].strip() if lines else ""
            return self._version_line

    def run(self, code: str, emit: Emit, _ask: Ask | None) -> dict | None:
        self._programs.interrupted = False
        folder = tempfile.mkdtemp(prefix=".cell-", dir="/tmp")
        try:
            return self._run_in(folder, code, emit)
        except OSError as error:
            return {"ename": type(error).__name__, "evalue": str(error), "traceback": [f"the cell could not be run: {error}"]}
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run_in(self, folder: str, code: str, emit: Emit) -> dict | None:
        paths = {"folder": folder, "source": os.path.join(folder, self._description.source)}
        paths["program"] = os.path.join(folder, "program")
        opening = self._description.opening
        with open(paths["source"], "w", encoding="utf-8", errors="replace") as file:
            file.write(code if opening.strip() in code else opening + code)
        for command in self._description.compile:
            failure = self._compile([part.format(**paths) for part in command], folder, emit)
            if failure is not None:
                return failure
        status = self._programs.run([part.format(**paths) for part in self._description.run], emit)
        if self._programs.interrupted and status != 0:
            return INTERRUPTED
        if status < 0:
            name = signal_name(-status)
            return {"ename": "Signal", "evalue": name, "traceback": [f"the program was ended by {name}"]}
        return exit_status(status)

    def _compile(self, argv: list[str], folder: str, emit: Emit) -> dict | None:
        """What a compiler says is the failure's traceback; if there is none, it is warnings."""
        said: list[str] = []
        status = self._programs.run(argv, lambda _, text: said.append(text))
        text = "".join(said).replace(folder + "/", "")[:COMPLAINT_CHARACTERS]
        if self._programs.interrupted:
            return INTERRUPTED
        if status == 0:
            if text:
                emit("stderr", text)
            return None
        lines = text.rstrip().splitlines() or [f"the compiler ended with status {status}"]
        first = next((line for line in lines if "error" in line), lines[0])
        return {"ename": "CompileError", "evalue": first, "traceback": lines}

    def drain(self, emit: Emit) -> None:
        """Nothing runs between cells."""

    def complete(self, _code: str, at: int) -> tuple[int, list[str]]:
        return at, []

    def is_complete(self, _code: str) -> str:
        return "unknown"

    def kill(self) -> None:
        self._programs.kill()
