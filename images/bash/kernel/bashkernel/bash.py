"""Bash as a `Language` of the small kernel: what Jupyter asks for, asked of the shell."""

import re
import subprocess

from kernel import INTERRUPTED, Ask, Emit, exit_status, signal_name
from shell import Ended, How, Shell

VERSION = subprocess.run(
    ["bash", "-c", 'printf %s "${BASH_VERSION%%(*}"'], capture_output=True, text=True, check=False
).stdout

# What Bash says of code that only lacks its end; everything else that it objects to is wrong.
UNFINISHED = re.compile(r"unexpected end of file|unexpected EOF while looking for|delimited by end-of-file")


class Bash:
    """See `Language` in the small kernel's kernel.py."""

    def __init__(self, shell: Shell):
        self._shell = shell
        self.descriptors = shell.descriptors
        self.drain = shell.drain
        self.kill = shell.kill

    def info(self) -> dict:
        return {
            "implementation": "cellblock-bash",
            "banner": f"Bash {VERSION}",
            "language_info": {
                "name": "bash",
                "version": VERSION,
                "mimetype": "text/x-sh",
                "file_extension": ".sh",
                "codemirror_mode": "shell",
                "pygments_lexer": "bash",
            },
            "help_links": [{"text": "Bash manual", "url": "https://www.gnu.org/software/bash/manual/"}],
        }

    def run(self, code: str, emit: Emit, ask: Ask | None) -> dict | None:
        return describe(self._shell.run(code, emit, ask))

    def complete(self, code: str, at: int) -> tuple[int, list[str]]:
        before = code[:at]
        word = re.search(r"[^\s;|&()<>\"'`=]*$", before)[0]
        start = at - len(word)
        return start, self._candidates(word, before[: len(before) - len(word)])

    def _candidates(self, word: str, before: str) -> list[str]:
        quote = "'" + word.replace("'", "'\\''") + "'"
        if match := re.fullmatch(r"(\$\{?)(\w*)", word):
            names = self._shell.query(f"compgen -v -- '{match[2]}'").split("\n")
            return sorted({match[1] + name for name in names if name})
        folders = {name + "/" for name in self._shell.query(f"compgen -d -- {quote}").split("\n") if name}
        names = set(self._shell.query(f"compgen -f -- {quote}").split("\n"))
        if re.search(r"(^|[;|&({`!\n]|\b(then|do|else|if|while))\s*$", before) and "/" not in word:
            names |= set(self._shell.query(f"compgen -c -- {quote}").split("\n"))
        return sorted({name for name in names if name and name + "/" not in folders} | folders)

    def is_complete(self, code: str) -> str:
        checked = subprocess.run(
            ["bash", "--norc", "-n"], input=code.encode(errors="replace"), capture_output=True, check=False
        )
        complaint = checked.stderr.decode(errors="replace")
        if UNFINISHED.search(complaint) or re.search(r"(?<!\\)(\\\\)*\\\n?$", code):
            return "incomplete"
        return "invalid" if checked.returncode else "complete"


def describe(ended: Ended) -> dict | None:
    """A cell's failure as Jupyter tells it; None if it went well."""
    match ended.how:
        case How.INTERRUPTED:
            return INTERRUPTED
        case How.KILLED:
            name = signal_name(ended.status)
            text = f"the shell was killed by {name}; its variables are lost"
            return {"ename": "ShellKilled", "evalue": name, "traceback": [text]}
        case How.DONE:
            return exit_status(ended.status)
