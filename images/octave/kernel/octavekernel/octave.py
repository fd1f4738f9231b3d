"""Octave as a `Language` of the small kernel: what Jupyter asks for, asked of the interpreter."""

import base64
import re
from typing import Callable

from interpreter import Ended, How, Interpreter
from kernel import INTERRUPTED, Ask, Emit, exit_status, signal_name


class Octave:
    """See `Language` in the small kernel's kernel.py."""

    def __init__(self, interpreter: Interpreter):
        self._interpreter = interpreter
        self.descriptors = interpreter.descriptors
        self.drain = interpreter.drain
        self.kill = interpreter.kill
        # Shows an output by its MIME types; whoever serves this language says how.
        self.show: Callable[[dict], None] = lambda _: None

    def info(self) -> dict:
        """Waits until Octave has started, so that a kernel that answers is one that is ready."""
        version = self._interpreter.version()
        return {
            "implementation": "cellblock-octave",
            "banner": f"GNU Octave {version}",
            "language_info": {
                "name": "octave",
                "version": version,
                "mimetype": "text/x-octave",
                "file_extension": ".m",
                "codemirror_mode": "octave",
                "pygments_lexer": "octave",
            },
            "help_links": [{"text": "Octave manual", "url": "https://docs.octave.org/latest/"}],
        }

    def run(self, code: str, emit: Emit, ask: Ask | None) -> dict | None:
        ended = self._interpreter.run(code, emit, ask)
        for picture in ended.pictures:
            self.show({"image/png": base64.b64encode(picture).decode()})
        return describe(ended)

    def complete(self, code: str, at: int) -> tuple[int, list[str]]:
        word = re.search(r"[\w.]*$", code[:at])[0]
        said: list[str] = []
        if word:
            # A script does not see the names of the workspace that it runs in.
            asked = f"""evalin ('base', "completion_matches ('{word}')")"""
            self._interpreter.run(asked, lambda _, text: said.append(text), None)
        return at - len(word), sorted(set("".join(said).split()))

    def is_complete(self, _code: str) -> str:
        return "unknown"


def describe(ended: Ended) -> dict | None:
    """A cell's failure as Jupyter tells it; None if it went well."""
    match ended.how:
        case How.OK:
            return None
        case How.INTERRUPTED:
            return INTERRUPTED
        case How.ERROR:
            return raised(**ended.error)
        case How.EXITED:
            return exit_status(ended.status)
        case How.KILLED:
            name = signal_name(ended.status)
            text = f"Octave was killed by {name}; its variables are lost"
            return {"ename": "OctaveKilled", "evalue": name, "traceback": [text]}


def raised(identifier: str, message: str, called: list[str]) -> dict:
    """An error as Octave prints it. Most have no identifier."""
    message = message.rstrip()
    name = identifier or ("ParseError" if message.startswith("parse error") else "Error")
    trace = ["error: called from", *called] if len(called) > 1 else []
    return {"ename": name, "evalue": message, "traceback": [*f"error: {message}".splitlines(), *trace]}
