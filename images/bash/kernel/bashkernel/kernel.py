"""Answers Jupyter's requests: the shell channel in the main thread, control in one of its own."""

import os
import re
import signal
import subprocess
import threading
from fnmatch import fnmatch
from typing import Callable

import zmq

from shell import Ended, How, Shell
from wire import PROTOCOL, Message, Wire

# How often a wait for the client's answer looks whether the cell still waits.
ASK_POLL_MS = 50
HISTORY_ENTRIES = 1000

BASH_VERSION = subprocess.run(
    ["bash", "-c", 'printf %s "${BASH_VERSION%%(*}"'], capture_output=True, text=True, check=False
).stdout

# What Bash says of code that only lacks its end; everything else that it objects to is wrong.
UNFINISHED = re.compile(r"unexpected end of file|unexpected EOF while looking for|delimited by end-of-file")


class Kernel:
    def __init__(self, wire: Wire, shell: Shell):
        self._wire = wire
        self._shell = shell
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
        for descriptor in self._shell.descriptors:
            poller.register(descriptor, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self._wire.shell in ready:
                self._handle(self._wire.shell)
            if any(descriptor in ready for descriptor in self._shell.descriptors):
                self._shell.drain(self._emit)

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
        ended = self._shell.run(code, self._emit, self._asker(request) if asks else None)
        return self._outcome(ended, silent)

    def _emit(self, name: str, text: str) -> None:
        self._wire.publish("stream", {"name": name, "text": text}, self._parent)

    def _outcome(self, ended: Ended, silent: bool) -> dict:
        error = describe(ended)
        if error is None:
            return {"status": "ok", "execution_count": self._count, "payload": [], "user_expressions": {}}
        if not silent:
            self._wire.publish("error", error, self._parent)
        return {"status": "error", "execution_count": self._count, **error}

    def _asker(self, request: Message) -> Callable[[str, bool, Callable[[], bool]], str | None]:
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
        before = request.content["code"][:end]
        word = re.search(r"[^\s;|&()<>\"'`=]*$", before)[0]
        start = end - len(word)
        matches = self._candidates(word, before[: len(before) - len(word)])
        return {"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end, "metadata": {}}

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

    def _is_complete(self, request: Message) -> dict:
        code = request.content["code"]
        checked = subprocess.run(
            ["bash", "--norc", "-n"], input=code.encode(errors="replace"), capture_output=True, check=False
        )
        complaint = checked.stderr.decode(errors="replace")
        if UNFINISHED.search(complaint) or re.search(r"(?<!\\)(\\\\)*\\\n?$", code):
            return {"status": "incomplete", "indent": ""}
        return {"status": "invalid" if checked.returncode else "complete"}

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
        return {
            "status": "ok",
            "protocol_version": PROTOCOL,
            "implementation": "cellblock-bash",
            "implementation_version": "1",
            "banner": f"Bash {BASH_VERSION}",
            "language_info": {
                "name": "bash",
                "version": BASH_VERSION,
                "mimetype": "text/x-sh",
                "file_extension": ".sh",
                "codemirror_mode": "shell",
                "pygments_lexer": "bash",
            },
            "help_links": [{"text": "Bash manual", "url": "https://www.gnu.org/software/bash/manual/"}],
        }

    # ── Control ──

    def _interrupt(self, _: Message) -> dict:
        os.kill(os.getpid(), signal.SIGINT)
        return {"status": "ok"}

    def _shutdown(self, request: Message) -> dict:
        return {"status": "ok", "restart": request.content.get("restart", False)}

    def _end(self) -> None:
        self._shell.kill()
        self._wire.close()
        os._exit(0)


def describe(ended: Ended) -> dict | None:
    """A cell's failure as Jupyter tells it; None if it went well."""
    match ended.how:
        case How.INTERRUPTED:
            name, value, text = "KeyboardInterrupt", "", "interrupted"
        case How.KILLED:
            value = signal_name(ended.status)
            name, text = "ShellKilled", f"the shell was killed by {value}; its variables are lost"
        case How.DONE if ended.status == 0:
            return None
        case How.DONE:
            name, value, text = "ExitStatus", str(ended.status), f"exit status {ended.status}"
            if ended.status > 128 and (by := signal_name(ended.status - 128)):
                text += f" ({by})"
    return {"ename": name, "evalue": value, "traceback": [text]}


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
