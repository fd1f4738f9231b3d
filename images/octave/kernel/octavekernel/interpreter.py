r"""One Octave that runs a cell after the other and keeps its variables, functions and figures' defaults between them.

Octave reads commands from a pipe, as it would from a file, and says on another how a cell goes (functions/cellblock_say.m):

    cellblock_run (3, "…/cell.m");  ──► began ──► [asks ──► %+answer …] ──► ended
                                          └─ SIGINT, cellblock_stopped (3); ──┴───► stopped
    cellblock_over (3);

Octave survives SIGINT while it runs something, and only then: one that comes while it reads a command ends it. So nobody
interrupts before `began`, and what has said `ended` or `stopped` runs on until it is told that the cell is over. A thread of
Octave's receives signals, so one may have its effect when the cell has ended already, or none (`system` ignores it, a cleanup
may lose it): after a SIGINT, a cell is over when `stopped` was said and not before, and until then there are more of both.
An interrupt throws away the rest of the command that runs, and leaves what is in the pipe. Every line of it does nothing
when it is read at the wrong moment.

All of a cell's output is in the pipes before `ended` is said, so that one last read has it all.
"""

import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from enum import Enum, auto

from gatherer import Gatherer
from kernel import Ask, Emit
from program import READ_BYTES, Reader

# What functions/cellblock_say.m writes to.
STATUS_FD = 200
# Until an interrupt has had its effect, it is followed up ever more rarely.
FIRST_RETRY_SECONDS = 0.02
# How long a second SIGINT may be on its way when the first has had its effect.
SETTLE_SECONDS = 0.05
# Follow-ups from one SIGINT to the next, for most need only the first.
SIGINT_EVERY = 4
# How a client says that there is no more input: what frontends of ipykernel send for Ctrl-D.
END_OF_INPUT = "\x04"
# Less at once is a drip, for Octave writes number by number: what comes next is read together, when what is held is due. Under
# gVisor, a read that each write wakes takes longer than the write.
DRIP_BYTES = 4096
# Of an answer: it has to fit into a pipe that Octave may not read.
ANSWER_BYTES = 32 * 1024


class How(Enum):
    """How a cell ended."""

    OK = auto()
    ERROR = auto()
    INTERRUPTED = auto()
    EXITED = auto()  # It has ended Octave; `status` is the exit status.
    KILLED = auto()  # A signal has ended Octave; `status` is its number.


@dataclass
class Ended:
    how: How
    status: int = 0
    # As cellblock_run.m describes it: identifier, message, called.
    error: dict = field(default_factory=dict)
    # PNG files' contents.
    pictures: list[bytes] = field(default_factory=list)


class Interpreter:
    """Runs cells. To be used from the main thread alone, which is where Python handles signals."""

    def __init__(self) -> None:
        # The pipes outlive an Octave: what an earlier one left in the background may still write to them.
        self._stdout, self._stdout_end = os.pipe()
        self._stderr, self._stderr_end = os.pipe()
        self._status, status_end = os.pipe()
        self._status_end = os.dup2(status_end, STATUS_FD, inheritable=False)
        os.close(status_end)
        self._readers = {self._stdout: Reader("stdout", self._stdout), self._stderr: Reader("stderr", self._stderr)}
        # Python writes a byte here for every signal, so that one ends a wait: an interrupt, or Octave's death.
        self._waked, self._waker = os.pipe()
        for fd in (self._stdout, self._stderr, self._status, self._waked, self._waker):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, lambda *_: self._interrupt())
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)

        self._folder = tempfile.mkdtemp(prefix=".octave-")
        self._said = b""
        self._version: str | None = None
        self._cell = 0
        self._forget_cell()
        self._start()

    @property
    def descriptors(self) -> tuple[int, int]:
        """What becomes readable when something in the background writes between two cells; see `drain`."""
        return self._stdout, self._stderr

    def version(self) -> str:
        """Octave's; waits until it has started. Empty if it cannot."""
        self._be_ready()
        return self._version or ""

    def run(self, code: str, emit: Emit, ask: Ask | None) -> Ended:
        """Runs a cell; returns when it has ended and all of its output was emitted. Without `ask` there is no input."""
        self._be_ready()
        self._cell += 1
        self._running = True
        try:
            self._send(f'cellblock_run ({self._cell}, "{self._written(code)}");')
            return self._follow(Gatherer(emit), ask)
        finally:
            self._forget_cell()

    def drain(self, emit: Emit) -> None:
        """Emits what has been written since the last cell."""
        out = Gatherer(emit)
        self._take(out)
        out.flush()

    def kill(self) -> None:
        """Ends Octave and all of its process group. Any thread may call it, but nothing can be run afterwards."""
        if self._octave.poll() is None:
            self._octave_group(signal.SIGKILL)
            self._octave.wait()

    # ── One cell ──

    def _forget_cell(self) -> None:
        # A cell that runs, whose beginning Octave has told, that is to be interrupted.
        self._running = self._began = self._interrupted = False
        self._follow_ups = 0
        self._ended: dict = {}
        self._retry = FIRST_RETRY_SECONDS
        self._retry_at: float | None = None

    def _written(self, code: str) -> str:
        """The file that holds the cell. Its name is the cell's in Octave's traces."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)  # A cell may have emptied /tmp.
        path = os.path.join(self._folder, "cell.m")
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{code}\n")
        return path

    def _follow(self, out: Gatherer, ask: Ask | None) -> Ended:
        with self._selector() as words, self._selector(*self.descriptors) as everything:
            while True:
                ready = {key.fd for key, _ in everything.select(self._patience(out))}
                self._clear(ready)
                taken = self._take(out)
                for said in self._words():
                    self._hear(said, out, ask)
                    if said["word"] == ("stopped" if self._follow_ups else "ended") and said["cell"] == self._cell:
                        return self._end(out)
                if self._octave.poll() is not None:
                    return self._bury(out)
                if not ready:
                    out.flush()
                self._stop_if_due()
                if taken < DRIP_BYTES and (due := out.due()):
                    words.select(due)

    def _selector(self, *output: int) -> selectors.BaseSelector:
        """Of what Octave says, what wakes us, and this output."""
        selector = selectors.DefaultSelector()
        for fd in (self._status, self._waked, *output):
            selector.register(fd, selectors.EVENT_READ)
        return selector

    def _clear(self, ready: set[int]) -> None:
        if self._waked in ready:
            os.read(self._waked, READ_BYTES)

    def _patience(self, out: Gatherer) -> float | None:
        """How long nothing may happen: until held output is due, or an interrupt has to be repeated."""
        retry = None if self._retry_at is None else max(0.0, self._retry_at - time.monotonic())
        return min((wait for wait in (out.due(), retry) if wait is not None), default=None)

    def _take(self, out: Gatherer) -> int:
        """Passes on what there is to read: all of it, for a pipe holds no more than is read at once. Gives its length."""
        return sum(reader.pass_on(out) or 0 for reader in self._readers.values())

    def _words(self) -> list[dict]:
        """What Octave has said since the last time."""
        try:
            self._said += os.read(self._status, READ_BYTES)
        except BlockingIOError:
            pass
        *lines, self._said = self._said.split(b"\n")
        return [said for line in lines if (said := understood(line))]

    def _hear(self, said: dict, out: Gatherer, ask: Ask | None) -> None:
        match said["word"]:
            case "ready":
                self._version = said["version"]
            case "began":
                self._began = said["cell"] == self._cell
            case "ended" if said["cell"] == self._cell:
                self._ended = said
            case "asks":
                self._take(out)
                out.flush()
                self._answer(str(said["prompt"]), ask)

    def _answer(self, prompt: str, ask: Ask | None) -> None:
        line = ask(prompt, False, self._is_past) if ask else END_OF_INPUT
        if line == END_OF_INPUT:
            self._send("%-")
        elif line is not None:
            encoded = line.replace("\n", " ").encode(errors="replace")[:ANSWER_BYTES]
            self._send("%+" + encoded.decode(errors="ignore"))

    def _is_past(self) -> bool:
        """Does nobody wait for an answer any more?"""
        return self._interrupted or self._octave.poll() is not None

    def _end(self, out: Gatherer) -> Ended:
        self._take(out)
        out.flush()
        if self._follow_ups > SIGINT_EVERY:
            time.sleep(SETTLE_SECONDS)
        self._send(f"cellblock_over ({self._cell});")
        pictures = [self._picture(path) for path in self._ended.get("pictures", [])]
        if self._follow_ups:
            return Ended(How.INTERRUPTED, pictures=pictures)
        if self._ended["outcome"] == "error":
            return Ended(How.ERROR, error=self._ended["error"], pictures=pictures)
        return Ended(How.OK, pictures=pictures)

    def _picture(self, path: str) -> bytes:
        with open(path, "rb") as file:
            content = file.read()
        os.remove(path)
        return content

    # ── Interrupts ──

    def _interrupt(self) -> None:
        self._interrupted = self._running

    def _stop_if_due(self) -> None:
        if not (self._interrupted and self._began):
            return
        if self._retry_at is not None and time.monotonic() < self._retry_at:
            return
        # Without SIGINT it is only the command, twice: one for what has ended and waits, one for what comes after it.
        if self._follow_ups % SIGINT_EVERY == 0:
            self._octave_group(signal.SIGINT)
        else:
            self._send(f"cellblock_stopped ({self._cell});")
        self._send(f"cellblock_stopped ({self._cell});")
        self._follow_ups += 1
        self._retry_at = time.monotonic() + self._retry
        self._retry *= 2

    def _octave_group(self, number: int) -> None:
        """Signals Octave and what it has started."""
        try:
            os.killpg(self._octave.pid, number)
        except ProcessLookupError:
            pass  # It is gone, and will be buried.

    # ── The process ──

    def _start(self) -> None:
        self._version, self._said = None, b""
        environment = dict(os.environ, TERM="dumb", PAGER="cat", GNUTERM="pngcairo")
        self._octave = subprocess.Popen(
            ["octave-cli", "--quiet", "--no-init-file", "--no-history", "--no-line-editing"],
            stdin=subprocess.PIPE,
            stdout=self._stdout_end,
            stderr=self._stderr_end,
            pass_fds=(self._status_end,),
            env=environment,
            bufsize=0,
            # A group of its own: an interrupt is for the cell, and we pass it on.
            start_new_session=True,
        )
        self._send("cellblock_boot ();")

    def _be_ready(self) -> None:
        """Starts Octave if it is gone, and waits for its first word. What it prints until then is no cell's output."""
        if self._octave.poll() is not None:
            self._octave.stdin.close()
            self._start()
        unheard = Gatherer(lambda *_: None)
        with self._selector(*self.descriptors) as selector:
            while self._version is None and self._octave.poll() is None:
                self._clear({key.fd for key, _ in selector.select()})
                self._take(unheard)
                for said in self._words():
                    self._hear(said, unheard, None)

    def _bury(self, out: Gatherer) -> Ended:
        """How an Octave that is gone has ended, by its exit status. Its last output is passed on."""
        self._take(out)
        out.flush()
        status = self._octave.returncode
        if self._follow_ups:
            return Ended(How.INTERRUPTED)
        return Ended(How.EXITED, status) if status >= 0 else Ended(How.KILLED, -status)

    def _send(self, line: str) -> None:
        """Octave's `fgetl` returns a line when it has seen what comes after it: an empty line."""
        try:
            self._octave.stdin.write(line.encode(errors="replace") + b"\n\n")
        except BrokenPipeError:
            pass  # It is gone, and will be buried.


def understood(line: bytes) -> dict | None:
    """What Octave has said. A cell can write to that pipe too, and then only harms itself."""
    try:
        said = json.loads(line.decode(errors="replace"), strict=False)
    except ValueError:
        return None
    return said if isinstance(said, dict) and "word" in said else None
