"""Output gathered into pieces worth a message."""

import time
from typing import Callable

# A piece is passed on when it is this long, or this old, whichever comes first. A loop of a hundred thousand `echo`
# becomes a few hundred messages, and a person sees no delay.
PIECE_BYTES = 64 * 1024
PIECE_SECONDS = 0.005


class Gatherer:
    """Joins neighbouring pieces of one stream, for `PIECE_SECONDS` at most. The order of what came in is kept."""

    def __init__(self, emit: Callable[[str, str], None]):
        self._emit = emit
        self._name = ""
        self._pieces: list[str] = []
        self._size = 0
        self._since = 0.0

    def add(self, name: str, text: str) -> None:
        if not text:
            return
        if name != self._name:
            self.flush()
            self._name = name
        if not self._pieces:
            self._since = time.monotonic()
        self._pieces.append(text)
        self._size += len(text)
        if self._size >= PIECE_BYTES or self.due() == 0:
            self.flush()

    def due(self) -> float | None:
        """Seconds until what is held has to be passed on; None when nothing is held."""
        if not self._pieces:
            return None
        return max(0.0, self._since + PIECE_SECONDS - time.monotonic())

    def flush(self) -> None:
        if self._pieces:
            text = "".join(self._pieces)
            self._pieces.clear()
            self._size = 0
            self._emit(self._name, text)
