"""What a shell writes: found where a cell's output ends, and decoded."""

import codecs
import os
import re


class Fence:
    """A mark that the shell prints on both streams after a cell, so that we know when we have read all of it.

    Nobody can print it by accident: it holds 16 random bytes. Each is for one cell; a late one of an earlier cell is
    cut out all the same, and ends nothing.
    """

    START = b"\x1e"

    def __init__(self) -> None:
        self._token = os.urandom(16).hex()
        self._pattern = re.compile(rb"\x1e%s([0-9]{8})\x1e" % self._token.encode())
        self.length = len(self.text(0))

    def text(self, cell: int) -> str:
        return f"\x1e{self._token}{cell:08}\x1e"

    def cut(self, data: bytes) -> tuple[bytes, list[int]]:
        """`data` without fences, and the cells whose fences were in it."""
        if self.START not in data:
            return data, []
        cells = [int(cell) for cell in self._pattern.findall(data)]
        return (self._pattern.sub(b"", data), cells) if cells else (data, [])

    def unfinished(self, data: bytes) -> int:
        """How many bytes at the end of `data` may be the beginning of a fence."""
        at = data.rfind(self.START, max(0, len(data) - self.length + 1))
        if at < 0 or not self.text(0).encode().startswith(data[at : at + 33]):
            return 0
        return len(data) - at


class Stream:
    """One of the shell's two streams: bytes in, text and fences out. Bytes that are no UTF-8 become U+FFFD."""

    def __init__(self, name: str, fence: Fence):
        self.name = name
        self._fence = fence
        self._carried = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> tuple[str, list[int]]:
        data, cells = self._fence.cut(self._carried + data)
        carry = self._fence.unfinished(data)
        self._carried = data[len(data) - carry :]
        text = self._decoder.decode(data[: len(data) - carry])
        if cells and not self._carried:
            # The cell is over: half a character will not be completed by the next one.
            text += self._decoder.decode(b"", final=True)
        return text, cells

    def finish(self) -> str:
        """What is left when nothing more will come."""
        text = self._decoder.decode(self._carried, final=True)
        self._carried = b""
        return text
