"""Jupyter's messages and the five sockets that they travel on.

https://jupyter-client.readthedocs.io/en/stable/messaging.html, protocol 5.3.
"""

import hashlib
import hmac
import json
import os
import threading
import time
from dataclasses import dataclass

import zmq

PROTOCOL = "5.3"
DELIMITER = b"<IDS|MSG>"
# How long a last message may take to leave when the kernel ends.
LINGER_MS = 500


@dataclass
class Message:
    """What came in. The header stays as it was sent, for an answer names it as its parent."""

    identities: list[bytes]
    kind: str
    header: bytes
    content: dict


class Wire:
    """The kernel's end of a connection file."""

    def __init__(self, connection: dict):
        self.session = os.urandom(16).hex()
        self._key = connection["key"].encode()
        self._context = zmq.Context()
        self._publishing = threading.Lock()
        self.shell = self._bind(zmq.ROUTER, connection, "shell_port")
        self.control = self._bind(zmq.ROUTER, connection, "control_port")
        self.stdin = self._bind(zmq.ROUTER, connection, "stdin_port")
        self._iopub = self._bind(zmq.PUB, connection, "iopub_port")
        self._heartbeat = self._bind(zmq.REP, connection, "hb_port")
        threading.Thread(target=self._beat, daemon=True).start()

    @classmethod
    def from_file(cls, path: str) -> "Wire":
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file))

    def receive(self, socket: zmq.Socket) -> Message | None:
        """The next message, or None for one that is malformed or not signed with our key."""
        frames = socket.recv_multipart()
        try:
            at = frames.index(DELIMITER)
            signature, header, parent, metadata, content = frames[at + 1 : at + 6]
            if self._key and not hmac.compare_digest(signature, self._sign(header, parent, metadata, content)):
                return None
            return Message(frames[:at], json.loads(header)["msg_type"], header, json.loads(content))
        except (ValueError, KeyError, TypeError):
            return None

    def send(self, socket: zmq.Socket, kind: str, content: dict, parent: Message) -> None:
        """Sends to the client that `parent` came from."""
        socket.send_multipart(self._frames(parent.identities, kind, content, parent.header))

    def publish(self, kind: str, content: dict, parent: bytes = b"{}") -> None:
        """Tells every client. Any thread may call it."""
        frames = self._frames([kind.encode()], kind, content, parent)
        with self._publishing:
            self._iopub.send_multipart(frames)

    def close(self) -> None:
        """Sends what is still to be sent, and closes every socket but the heartbeat's."""
        for socket in (self.shell, self.control, self.stdin, self._iopub):
            socket.close(LINGER_MS)

    def _bind(self, kind: int, connection: dict, port: str) -> zmq.Socket:
        separator = "-" if connection["transport"] == "ipc" else ":"
        socket = self._context.socket(kind)
        socket.linger = LINGER_MS
        if kind == zmq.PUB:
            # No output may be dropped because a client reads slowly.
            socket.sndhwm = 0
        socket.bind(f"{connection['transport']}://{connection['ip']}{separator}{connection[port]}")
        return socket

    def _beat(self) -> None:
        while True:
            self._heartbeat.send(self._heartbeat.recv())

    def _sign(self, *parts: bytes) -> bytes:
        mac = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            mac.update(part)
        return mac.hexdigest().encode()

    def _frames(self, identities: list[bytes], kind: str, content: dict, parent: bytes) -> list[bytes]:
        header = _json(
            {
                "msg_id": os.urandom(16).hex(),
                "session": self.session,
                "username": "kernel",
                "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "msg_type": kind,
                "version": PROTOCOL,
            }
        )
        parts = [header, parent, b"{}", _json(content)]
        signature = self._sign(*parts) if self._key else b""
        return [*identities, DELIMITER, signature, *parts]


def _json(value: dict) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
