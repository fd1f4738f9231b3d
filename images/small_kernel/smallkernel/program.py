"""One process: its output is emitted as it comes, and it ends with everything that it has started."""

import codecs
import os
import selectors
import signal
import subprocess
import time

from gatherer import Gatherer
from kernel import Emit

READ_BYTES = 64 * 1024
# How long an interrupted program may tidy up before it is killed.
GRACE_SECONDS = 1.0


class Programs:
    """Runs programs, one at a time. To be used from the main thread alone, which is where Python handles signals."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None
        self._kill_at: float | None = None
        # Set by SIGINT; whoever runs several programs for one cell looks at it in between.
        self.interrupted = False
        # Python writes a byte here for every signal, so that one ends a wait: an interrupt, or the program's end.
        self._waked, self._waker = os.pipe()
        for fd in (self._waked, self._waker):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, lambda *_: self._interrupt())
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)

    def run(self, argv: list[str], emit: Emit) -> int:
        """Its exit status, or the negative number of the signal that has ended it."""
        self._kill_at = None
        self._process = process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            # A group of its own: an interrupt is for it, and we pass it on.
            start_new_session=True,
        )
        if self.interrupted:
            self._interrupt()
        try:
            self._follow(process, Gatherer(emit))
            return process.returncode
        finally:
            self.kill()
            process.stdout.close()
            process.stderr.close()
            self._process = None

    def kill(self) -> None:
        """Ends the program and all of its group. Any thread may call it."""
        process = self._process
        if process is None:
            return
        try:
            # Also when the program has ended: what it has started may run on.
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def _interrupt(self) -> None:
        self.interrupted = True
        process = self._process
        if process is not None and process.returncode is None:
            self._kill_at = time.monotonic() + GRACE_SECONDS
            os.killpg(process.pid, signal.SIGINT)

    def _follow(self, process: subprocess.Popen, out: Gatherer) -> None:
        """Reads until the program has ended and nothing of what it wrote is unread."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._waked, selectors.EVENT_READ)
            for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ, Reader(name, pipe.fileno()))
            readers = [key.data for key in selector.get_map().values() if key.data]
            while process.poll() is None:
                ready = selector.select(self._patience(out))
                for key, _ in ready:
                    if key.data is None:
                        os.read(self._waked, READ_BYTES)
                    elif key.data.pass_on(out) == 0:
                        selector.unregister(key.fileobj)
                if not ready:
                    out.flush()
                if self._kill_at is not None and time.monotonic() >= self._kill_at:
                    self.kill()
            # What it has started may write for ever.
            self.kill()
            for reader in readers:
                reader.finish(out)
        out.flush()

    def _patience(self, out: Gatherer) -> float | None:
        """How long nothing may happen: until held output is due, or an interrupted program is killed."""
        grace = None if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())
        return min((wait for wait in (out.due(), grace) if wait is not None), default=None)


class Reader:
    """One of a program's two streams. Bytes that are no UTF-8 become U+FFFD."""

    def __init__(self, name: str, descriptor: int):
        self._name = name
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def pass_on(self, out: Gatherer) -> int | None:
        """Passes on what there is to read, and gives its length: 0 at the end, None when there is nothing now."""
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return None
        out.add(self._name, self._decoder.decode(data))
        return len(data)

    def finish(self, out: Gatherer) -> None:
        """Passes on what is left when nobody writes any more."""
        while self.pass_on(out):
            pass
        out.add(self._name, self._decoder.decode(b"", final=True))
