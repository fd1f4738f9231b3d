"""How `read` in a cell asks the client: two named pipes, so that nothing that a cell starts inherits them.

The cell's standard input is then an empty file of its own; `read` is a function (`script.READ`) which asks when its
standard input is that file. Every other program sees an empty input, and nothing ever waits for one.
"""

import os
import select
import shlex
from typing import Callable

import script

# How a client says that there is no more input: what frontends of ipykernel send for Ctrl-D.
END_OF_INPUT = "\x04"

# A line is written in pieces when Bash reads slower than that, and given up when it does not read at all.
WRITE_SECONDS = 1.0

# Gives the answer to (prompt, is it a secret), or None as soon as the third says that nobody waits for it any more.
Ask = Callable[[str, bool, Callable[[], bool]], str | None]


class Questions:
    def __init__(self, folder: str):
        self.stdin = os.path.join(folder, "stdin")
        self.prelude = os.path.join(folder, "read")
        ask, answer = os.path.join(folder, "ask"), os.path.join(folder, "answer")
        os.mkfifo(ask, 0o600)
        os.mkfifo(answer, 0o600)
        # Open for both directions, so that neither end ever waits for the other to open.
        self.asked = os.open(ask, os.O_RDWR | os.O_NONBLOCK)
        self._answer = os.open(answer, os.O_RDWR | os.O_NONBLOCK)
        function = script.READ
        for name, path in (("STDIN", self.stdin), ("ASK", ask), ("ANSWER", answer)):
            function = function.replace(f" {name} ", f" {shlex.quote(path)} ")
            function = function.replace(f">{name}\n", f">{shlex.quote(path)}\n")
            function = function.replace(f"<{name}\n", f"<{shlex.quote(path)}\n")
        with open(self.prelude, "w", encoding="utf-8") as file:
            file.write(function)
        open(self.stdin, "w", encoding="utf-8").close()

    def usable(self) -> bool:
        """A cell may have emptied /tmp."""
        return os.path.exists(self.prelude) and os.path.exists(self.stdin)

    def close(self) -> None:
        os.close(self.asked)
        os.close(self._answer)

    def next(self) -> tuple[str, bool] | None:
        """The prompt that waits, and whether the answer is a secret."""
        try:
            record = os.read(self.asked, 8192)
        except BlockingIOError:
            return None
        secret, _, prompt = record.split(b"\0")[0].decode(errors="replace").partition(" ")
        return prompt, secret == "1"

    def answer(self, line: str) -> None:
        self._forget()
        rest = b"-" if line == END_OF_INPUT else b"+" + line.encode(errors="replace") + b"\n"
        while rest and select.select([], [self._answer], [], WRITE_SECONDS)[1]:
            rest = rest[os.write(self._answer, rest[:4096]) :]

    def _forget(self) -> None:
        """An answer that came too late for `read -t` is none to the next question."""
        try:
            while os.read(self._answer, 65536):
                pass
        except BlockingIOError:
            pass
