"""Answers Jupyter's requests for one language: the shell channel in the main thread, control in one of its own.

What is Jupyter's is here; what is the language's comes from a `Language`.
"""

import os
import signal
import threading
from fnmatch import fnmatch
from typing import Callable, Protocol

import zmq

from wire import PROTOCOL, Message, Wire

# How often a wait for the client's answer looks whether the cell still waits.
ASK_POLL_MS = 50
HISTORY_ENTRIES = 1000

# Passes output on: the stream's name and the text.
Emit = Callable[[str, str], None]
# Gives the answer to (prompt, is it a secret), or None as soon as the third says that nobody waits for it any more.
Ask = Callable[[str, bool, Callable[[], bool]], str | None]


class Language(Protocol):
    """What a kernel has to know of its language. Everything but `interrupt` and `kill` is called from the main thread."""

    # Descriptors that become readable when something has to be drained between cells.
    descriptors: tuple[int, ...]

    def info(self) -> dict:
        """The parts of a `kernel_info_reply` that are the language's."""

    def run(self, code: str, emit: Emit, ask: Ask | None) -> dict | None:
        """Runs a cell. None if it went well; else how it failed, as an `error` message tells it."""

    def drain(self, emit: Emit) -> None:
        """Emits what has been written since the last cell."""

    def complete(self, code: str, at: int) -> tuple[int, list[str]]:
        """Where the word before the cursor begins, and what it may become."""

    def is_complete(self, code: str) -> str:
        """'complete', 'incomplete', 'invalid' or 'unknown'."""

    def kill(self) -> None:
        """Ends every process of the language's. Nothing is run afterwards."""


class Kernel:
    """The language handles SIGINT itself: it is how a cell is interrupted."""

    def __init__(self, wire: Wire, language: Language):
        self._wire = wire
        self._language = language
        self._count = 0
        self._history: list[tuple[int, str]] = []
        # Whose output it is that comes now.
        self._parent = b"{}"
        self._answers: dict[str, Callable[[Message], dict]] = {
            "kernel_info_request": self._kernel_info,
            "execute_request": self._execute,
            "complete_request": self._complete,
            "is_complete_request": self._is_complete,
            "inspect_request": lambda _: {"status": "ok", "found": False, "data": {}, "metadata": {}},
            "history_request": self._tell_history,
            "comm_info_request": lambda _: {"status": "ok", "comms": {}},
            "shutdown_request": self._shutdown,
            "interrupt_request": self._interrupt,
        }

    def serve(self) -> None:
        """Never returns; a shutdown ends the process."""
        self._wire.publish("status", {"execution_state": "starting"})
        threading.Thread(target=self._serve_control, daemon=True).start()
        poller = zmq.Poller()
        poller.register(self._wire.shell, zmq.POLLIN)
        for descriptor in self._language.descriptors:
            poller.register(descriptor, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self._wire.shell in ready:
                self._handle(self._wire.shell)
            if any(descriptor in ready for descriptor in self._language.descriptors):
                self._language.drain(self._emit)

    def show(self, data: dict) -> None:
        """Publishes an output of the cell that runs, as its MIME types and what each has."""
        self._wire.publish("display_data", {"data": data, "metadata": {}, "transient": {}}, self._parent)

    def _serve_control(self) -> None:
        while True:
            self._handle(self._wire.control)

    def _handle(self, socket: zmq.Socket) -> None:
        request = self._wire.receive(socket)
        if request is not None and request.kind in self._answers:
            self._respond(socket, request)

    def _respond(self, socket: zmq.Socket, request: Message) -> None:
        self._wire.publish("status", {"execution_state": "busy"}, request.header)
        answer = self._answers[request.kind](request)
        # Looked at before the answer is sent: what a client sends once it knows of the failure is not meant.
        failed = answer["status"] == "error" and request.content.get("stop_on_error", True)
        waiting = self._waiting(socket) if failed else []
        self._wire.send(socket, request.kind.replace("_request", "_reply"), answer, request)
        self._wire.publish("status", {"execution_state": "idle"}, request.header)
        if request.kind == "shutdown_request":
            self._end()
        for other in waiting:
            if other.kind == "execute_request":
                self._abort(socket, other)
            else:
                self._respond(socket, other)

    def _waiting(self, socket: zmq.Socket) -> list[Message]:
        waiting = []
        while socket.poll(0):
            request = self._wire.receive(socket)
            if request is not None and request.kind in self._answers:
                waiting.append(request)
        return waiting

    def _abort(self, socket: zmq.Socket, request: Message) -> None:
        """What was queued behind an execution that failed is not run."""
        self._wire.publish("status", {"execution_state": "busy"}, request.header)
        self._wire.send(socket, "execute_reply", {"status": "aborted", "execution_count": self._count}, request)
        self._wire.publish("status", {"execution_state": "idle"}, request.header)

    # ── Execution ──

    def _execute(self, request: Message) -> dict:
        code, silent = request.content["code"], request.content.get("silent", False)
        self._parent = request.header
        if not silent:
            self._count += 1
            self._wire.publish("execute_input", {"code": code, "execution_count": self._count}, request.header)
            if request.content.get("store_history", True):
                self._history = [*self._history[1 - HISTORY_ENTRIES :], (self._count, code)]
        asks = request.content.get("allow_stdin", False)
        error = self._language.run(code, self._emit, self._asker(request) if asks else None)
        return self._outcome(error, silent)

    def _emit(self, name: str, text: str) -> None:
        self._wire.publish("stream", {"name": name, "text": text}, self._parent)

    def _outcome(self, error: dict | None, silent: bool) -> dict:
        if error is None:
            return {"status": "ok", "execution_count": self._count, "payload": [], "user_expressions": {}}
        if not silent:
            self._wire.publish("error", error, self._parent)
        return {"status": "error", "execution_count": self._count, **error}

    def _asker(self, request: Message) -> Ask:
        def ask(prompt: str, secret: bool, is_past: Callable[[], bool]) -> str | None:
            while self._wire.stdin.poll(0):
                self._wire.receive(self._wire.stdin)  # An answer to a question of long ago.
            self._wire.send(self._wire.stdin, "input_request", {"prompt": prompt, "password": secret}, request)
            while not self._wire.stdin.poll(ASK_POLL_MS):
                if is_past():
                    return None
            reply = self._wire.receive(self._wire.stdin)
            return None if reply is None else str(reply.content.get("value", ""))

        return ask

    # ── Questions about code ──

    def _complete(self, request: Message) -> dict:
        end = request.content["cursor_pos"]
        start, matches = self._language.complete(request.content["code"], end)
        return {"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end, "metadata": {}}

    def _is_complete(self, request: Message) -> dict:
        status = self._language.is_complete(request.content["code"])
        return {"status": status, "indent": ""} if status == "incomplete" else {"status": status}

    def _tell_history(self, request: Message) -> dict:
        asked = request.content
        found = self._history
        if asked.get("hist_access_type") == "range":
            found = [entry for entry in found if asked.get("start", 0) <= entry[0] < (asked.get("stop") or 1 << 31)]
        else:
            if asked.get("hist_access_type") == "search":
                found = [entry for entry in found if fnmatch(entry[1], asked.get("pattern") or "*")]
            found = found[-(asked.get("n") or HISTORY_ENTRIES) :]
        told = [(0, line, (code, None) if asked.get("output") else code) for line, code in found]
        return {"status": "ok", "history": told}

    def _kernel_info(self, _: Message) -> dict:
        fixed = {"status": "ok", "protocol_version": PROTOCOL, "implementation_version": "1"}
        return fixed | self._language.info()

    # ── Control ──

    def _interrupt(self, _: Message) -> dict:
        os.kill(os.getpid(), signal.SIGINT)
        return {"status": "ok"}

    def _shutdown(self, request: Message) -> dict:
        return {"status": "ok", "restart": request.content.get("restart", False)}

    def _end(self) -> None:
        self._language.kill()
        self._wire.close()
        os._exit(0)


# ── Failures that all languages share ──

INTERRUPTED = {"ename": "KeyboardInterrupt", "evalue": "", "traceback": ["interrupted"]}


def exit_status(status: int) -> dict | None:
    """The failure of a program that ended with this status; none if it ended well."""
    if status == 0:
        return None
    text = f"exit status {status}"
    if status > 128 and (by := signal_name(status - 128)):
        text += f" ({by})"
    return {"ename": "ExitStatus", "evalue": str(status), "traceback": [text]}


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
