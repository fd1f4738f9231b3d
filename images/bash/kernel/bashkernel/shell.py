r"""One Bash that runs a cell after the other and keeps its variables, functions and directory between them.

Bash runs interactively (`-i`), but reads its commands from a pipe, with no terminal. Interactive, because only then does
SIGINT bring it back to its read loop with everything it knows, as Ctrl-C does; no terminal, because one would mix stdout
with stderr, echo, and turn \n into \r\n.

    began ──► done         the cell ran to its end
          ├─► stopped      SIGINT threw away the rest of its line; a second line said so
          └─► (no word)    `exit`, `set -e` or a signal ended the shell; the next cell gets a new one

The end of a cell is its word on the status pipe and a fence on both streams: then nothing of its output is unread.
"""

import os
import selectors
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Callable

import script
from gatherer import Gatherer
from output import Fence, Stream
from questions import Ask, Questions

READ_BYTES = 64 * 1024
# An interrupt is repeated while the cell runs on, ever more rarely: Bash ignores SIGINT when the child that it waits for
# ends well at that very moment, and it can throw our second line away with the first. To run that twice does no harm.
# A child that still runs may be tidying up, so it has a while before it gets another SIGINT.
FIRST_RETRY_SECONDS = 0.1
CHILD_SECONDS = 0.8

Emit = Callable[[str, str], None]


class How(Enum):
    """How a cell ended."""

    DONE = auto()  # It ran to its end, or the shell exited; `status` is the exit status.
    INTERRUPTED = auto()
    KILLED = auto()  # A signal ended the shell itself; `status` is its number.


@dataclass
class Ended:
    how: How
    status: int = 0


class Shell:
    """Runs cells. To be used from the main thread alone, which is where Python handles signals."""

    def __init__(self) -> None:
        # The pipes outlive a shell: what an earlier one left in the background may still write to them.
        self._fence = Fence()
        self._stdout, self._stdout_end = os.pipe()
        self._stderr, self._stderr_end = os.pipe()
        self._status, status_end = os.pipe()
        self._status_end = os.dup2(status_end, script.STATUS_FD, inheritable=False)
        os.close(status_end)
        self._streams = {
            self._stdout: Stream("stdout", self._fence),
            self._stderr: Stream("stderr", self._fence),
        }
        # Python writes a byte here for every signal, so that one ends a wait: an interrupt, or the shell's death.
        self._waked, self._waker = os.pipe()
        for fd in (self._stdout, self._stderr, self._status, self._waked, self._waker):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, lambda *_: self.interrupt())
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)

        self._folder = tempfile.mkdtemp(prefix=".bash-")
        self._questions: Questions | None = None
        self._bash: subprocess.Popen | None = None
        self._cell = 0
        self._last_status = 0
        self._tracing = ""
        self._interrupted_children = ""
        self._forget_cell()

    @property
    def descriptors(self) -> tuple[int, int]:
        """What becomes readable when something in the background writes between two cells; see `drain`."""
        return self._stdout, self._stderr

    def run(self, code: str, emit: Emit, ask: Ask | None = None) -> Ended:
        """Runs a cell; returns when it has ended and all of its output was emitted as (stream's name, text).

        Without `ask` the cell's standard input is empty.
        """
        ended = self._run(code, emit, ask)
        alive = self._bash is not None
        self._last_status = ended.status if alive else 0
        return ended

    def query(self, code: str) -> str:
        """What `code` prints, run between two cells and leaving no trace in `$?`."""
        said: list[str] = []
        self._run(code, lambda name, text: said.append(text) if name == "stdout" else None, None)
        return "".join(said)

    def drain(self, emit: Emit) -> None:
        """Emits what has been written since the last cell."""
        for fd, stream in self._streams.items():
            text, _ = self._read(fd)
            if text:
                emit(stream.name, text)

    def interrupt(self) -> None:
        """Sends SIGINT to the cell that runs and to what it runs in the foreground; does nothing between cells."""
        self._interrupted = self._running
        if self._interrupted and self._began:
            self._stop()

    def kill(self) -> None:
        """Ends the shell and all of its process group. Any thread may call it, but nothing can be run afterwards."""
        if self._bash is not None and self._bash.poll() is None:
            os.killpg(self._bash.pid, signal.SIGKILL)
            self._bash.wait()

    def close(self) -> None:
        """Kills the shell and gives every descriptor back."""
        self.kill()
        if self._bash is not None:
            self._bash.stdin.close()
        if self._questions is not None:
            self._questions.close()
        signal.set_wakeup_fd(-1)
        reading = (self._stdout, self._stderr, self._status, self._waked)
        for fd in (*reading, self._stdout_end, self._stderr_end, self._status_end, self._waker):
            os.close(fd)

    # ── One cell ──

    def _run(self, code: str, emit: Emit, ask: Ask | None) -> Ended:
        self._start_if_gone()
        self._cell += 1
        self._running = True
        try:
            self._send(self._line(code, ask))
            return self._follow(Gatherer(emit), ask)
        finally:
            self._forget_cell()

    def _forget_cell(self) -> None:
        self._running = self._began = self._interrupted = False
        self._retry = FIRST_RETRY_SECONDS
        self._retry_at: float | None = None

    def _line(self, code: str, ask: Ask | None) -> bytes:
        path = os.path.join(self._existing_folder(), "cell")
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.write(script.cell(code, self._tracing))
        fence = self._fence.text(self._cell)
        if ask is None:
            return script.run(self._cell, fence, self._last_status, path, "/dev/null", None)
        if self._questions is None or not self._questions.usable():
            self._renew_questions()
        stdin, prelude = self._questions.stdin, self._questions.prelude
        return script.run(self._cell, fence, self._last_status, path, stdin, prelude)

    def _follow(self, out: Gatherer, ask: Ask | None) -> Ended:
        """Reads until the cell has ended on all three pipes, or the shell is gone."""
        ended: Ended | None = None
        fenced: set[int] = set()
        with selectors.DefaultSelector() as selector:
            for fd in (self._stdout, self._stderr, self._status, self._waked):
                selector.register(fd, selectors.EVENT_READ)
            if ask is not None:
                selector.register(self._questions.asked, selectors.EVENT_READ)
            while ended is None or len(fenced) < len(self._streams):
                ready = {key.fd for key, _ in selector.select(self._patience(out))}
                for fd in self._streams:
                    if fd in ready and self._take(fd, out):
                        fenced.add(fd)
                if self._status in ready:
                    word = self._word()
                    ended = ended or word
                if ask is not None and self._questions.asked in ready:
                    self._answer(out, ask)
                if self._waked in ready:
                    os.read(self._waked, READ_BYTES)
                if self._is_gone():
                    ended = self._bury(out, ended)
                    break
                if not ready:
                    out.flush()
                if self._retry_at is not None and time.monotonic() >= self._retry_at:
                    self._repeat()
        out.flush()
        return ended

    def _patience(self, out: Gatherer) -> float | None:
        """How long nothing may happen: until held output is due, or an interrupt has to be repeated."""
        retry = None if self._retry_at is None else max(0.0, self._retry_at - time.monotonic())
        return min((wait for wait in (out.due(), retry) if wait is not None), default=None)

    def _take(self, fd: int, out: Gatherer) -> bool:
        """Passes on what there is to read. Did this cell's fence come with it?"""
        text, cells = self._read(fd)
        out.add(self._streams[fd].name, text)
        return self._cell in cells

    def _read(self, fd: int) -> tuple[str, list[int]]:
        try:
            return self._streams[fd].feed(os.read(fd, READ_BYTES))
        except BlockingIOError:
            return "", []

    def _word(self) -> Ended | None:
        """What the shell says about this cell; a late word about an earlier one is not meant.

        The first word counts: a cell that is done when an interrupt reaches the shell was not interrupted.
        """
        ended = None
        try:
            said = os.read(self._status, READ_BYTES)
        except BlockingIOError:
            return None
        for record in said.decode(errors="replace").split("\0"):
            match record.split(" "):
                case [word, cell, status, options] if cell == str(self._cell) and status.isdecimal():
                    if word == "began":
                        self._begin()
                    elif ended is None:
                        self._tracing = "".join(option for option in "xv" if option in options)
                        ended = Ended(How.DONE, int(status)) if word == "done" else Ended(How.INTERRUPTED, 130)
        return ended

    def _begin(self) -> None:
        self._began = True
        if self._interrupted:
            self._stop()

    # ── Interrupts ──

    def _stop(self) -> None:
        self._retry_at = time.monotonic() + self._retry
        self._signal()

    def _signal(self) -> None:
        self._interrupted_children = self._children()
        os.killpg(self._bash.pid, signal.SIGINT)
        self._say_stopped()

    def _say_stopped(self) -> None:
        self._send(script.report("stopped", self._cell, self._fence.text(self._cell)))

    def _repeat(self) -> None:
        self._retry *= 2
        self._retry_at = time.monotonic() + self._retry
        children = self._children()
        if children and children == self._interrupted_children and self._retry <= CHILD_SECONDS:
            self._say_stopped()
        else:
            self._signal()

    def _children(self) -> str:
        """The processes that Bash has started, where the kernel tells."""
        try:
            with open(f"/proc/{self._bash.pid}/task/{self._bash.pid}/children", encoding="ascii") as file:
                return file.read()
        except OSError:
            return ""

    # ── Standard input ──

    def _renew_questions(self) -> None:
        if self._questions is not None:
            self._questions.close()
        self._questions = Questions(tempfile.mkdtemp(dir=self._existing_folder()))

    def _answer(self, out: Gatherer, ask: Ask) -> None:
        """Emits what came before the question, then asks."""
        for fd in self._streams:
            self._take(fd, out)
        out.flush()
        question = self._questions.next()
        if question is None:
            return
        line = ask(*question, self._is_past)
        if line is not None:
            self._questions.answer(line)

    def _is_past(self) -> bool:
        """Has the cell gone on without an answer? `read -t` may have, and an interrupted one has."""
        with selectors.DefaultSelector() as selector:
            for fd in (self._stdout, self._stderr, self._status):
                selector.register(fd, selectors.EVENT_READ)
            return self._interrupted or self._is_gone() or bool(selector.select(0))

    # ── The process ──

    def _start_if_gone(self) -> None:
        if self._bash is None:
            self._start()
        elif self._is_gone():
            self._bash.stdin.close()
            self._start()

    def _start(self) -> None:
        environment = dict(os.environ, PS1="", PS2="", TERM="dumb", PAGER="cat", GIT_PAGER="cat")
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            stdin=subprocess.PIPE,
            stdout=self._stdout_end,
            stderr=self._stderr_end,
            pass_fds=(self._status_end,),
            env=environment,
            bufsize=0,
            # A group of its own: an interrupt is for the cell, and we pass it on.
            start_new_session=True,
        )
        os.set_blocking(self._bash.stdin.fileno(), False)
        self._last_status, self._tracing = 0, ""
        self._send(script.BOOT.encode())
        # Bash complains that it has no terminal; that is read here, and no cell's output.
        self._run("", lambda *_: None, None)

    def _is_gone(self) -> bool:
        return self._bash.poll() is not None

    def _bury(self, out: Gatherer, ended: Ended | None) -> Ended:
        """Takes what a shell that is gone had still written, and reads how it ended from its exit status."""
        for fd, stream in self._streams.items():
            while (read := self._read(fd)) != ("", []):
                out.add(stream.name, read[0])
            out.add(stream.name, stream.finish())
        ended = self._word() or ended
        status = self._bash.returncode
        self._bash.stdin.close()
        self._bash = None
        if ended is not None:
            return ended
        if self._interrupted and status in (130, -signal.SIGINT):
            return Ended(How.INTERRUPTED, 130)
        return Ended(How.DONE, status) if status >= 0 else Ended(How.KILLED, -status)

    def _send(self, line: bytes) -> None:
        try:
            self._bash.stdin.write(line)
        except (BrokenPipeError, BlockingIOError):
            pass  # Either it is gone, and will be buried, or it has more lines to read than it needs.

    def _existing_folder(self) -> str:
        """A cell may have emptied /tmp."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        return self._folder
