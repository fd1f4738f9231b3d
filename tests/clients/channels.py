"""A client of /api/kernels/{id}/channels that waits for messages and never for time."""

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone

import framings
import websocket

# For one message. Long, because the machine may be busy; a test that passes waits for none of it.
WAIT_SECONDS = 60


@dataclass
class Exchange:
    """What a request led to: the answer, and what was published for it up to idle."""

    reply: dict
    published: list = field(default_factory=list)

    @property
    def content(self):
        return self.reply["content"]

    def of_kind(self, *kinds):
        return [message["content"] for message in self.published if message["header"]["msg_type"] in kinds]

    def text(self, name="stdout"):
        return "".join(content["text"] for content in self.of_kind("stream") if content["name"] == name)


class Channels:
    """One WebSocket to one kernel, in the framing of `subprotocol`: V1, or None for the legacy one."""

    def __init__(self, base_url, token, kernel_id, subprotocol=framings.V1, session_id=None):
        self.session = session_id or str(uuid.uuid4())
        url = f"{base_url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels?session_id={self.session}"
        self.socket = websocket.create_connection(
            url,
            header=[f"Authorization: token {token}"] if token else [],
            subprotocols=[subprotocol] if subprotocol else [],
            timeout=WAIT_SECONDS,
        )
        self.subprotocol = self.socket.getsubprotocol()
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def header(self, kind, **more):
        date = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
        identity = {"msg_id": str(uuid.uuid4()), "session": self.session, "username": "tester"}
        return {**identity, "msg_type": kind, "version": "5.4", "date": date, **more}

    def send(self, kind, content, channel="shell", buffers=(), **more):
        """Sends a message and returns its id. `more` goes into the header."""
        header = self.header(kind, **more)
        self.send_message(
            {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": channel}, buffers
        )
        return header["msg_id"]

    def send_message(self, message, buffers=()):
        frame = framings.encode({**message, "buffers": list(buffers)}, self.subprotocol)
        if isinstance(frame, str):
            self.socket.send(frame)
        else:
            self.socket.send_binary(frame)

    def receive(self):
        frame = self.socket.recv()
        assert frame, "the connection was closed"
        message = framings.decode(frame, self.subprotocol)
        self.seen.append(message)
        return message

    def until(self, wanted):
        """The next message for which `wanted(message)` holds."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            message = self.receive()
            if wanted(message):
                return message
        raise TimeoutError(f"not among {[message['header']['msg_type'] for message in self.seen]}")

    def until_kind(self, kind, asked=None):
        return self.until(
            lambda message: message["header"]["msg_type"] == kind and (asked is None or is_for(message, asked))
        )

    def until_printed(self, asked, text):
        heard = []

        def is_there(message):
            if message["header"]["msg_type"] == "stream" and is_for(message, asked):
                heard.append(message["content"]["text"])
            return text in "".join(heard)

        self.until(is_there)

    def finish(self, asked, channel="shell"):
        """Waits for both the answer to a request and its end, whichever is first."""

        def found():
            return self.answer_to(asked, channel), any(map(is_idle, self.published_for(asked)))

        while not all(found()):
            self.receive()
        return Exchange(self.answer_to(asked, channel), self.published_for(asked))

    def answer_to(self, asked, channel="shell"):
        return next((message for message in self.seen if message["channel"] == channel and is_for(message, asked)), None)

    def published_for(self, asked):
        return [message for message in self.seen if message["channel"] == "iopub" and is_for(message, asked)]

    def request(self, kind, content, channel="shell", **more):
        return self.finish(self.send(kind, content, channel, **more), channel)

    def start(self, code, **more):
        """Sends an execute_request and returns its id."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        return self.send("execute_request", {**content, "stop_on_error": True, **more})

    def execute(self, code, **more):
        return self.finish(self.start(code, **more))


def is_for(message, asked):
    return message["parent_header"].get("msg_id") == asked


def is_idle(message):
    return message["header"]["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
