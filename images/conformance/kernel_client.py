"""Just enough of a Jupyter client to try a kernel from inside its sandbox: it starts one from its kernelspec, as the agent
does, and speaks to it over TCP on the loopback."""

import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

import zmq

KERNELS = "/opt/conda/share/jupyter/kernels"
KEY = b"a key"
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
WAIT_MS = 60_000
# What every client says with its code; IRkernel ends itself for want of it.
EXECUTION = {"silent": False, "store_history": True, "stop_on_error": True, "user_expressions": {}, "allow_stdin": False}


class KernelDied(Exception):
    """The kernel's process has ended."""


class KernelClient:
    """A kernel and the five sockets to it."""

    def __init__(self, kernelspec: str, log: str = "/tmp/kernel.log"):
        with open(f"{KERNELS}/{kernelspec}/kernel.json", encoding="utf-8") as file:
            self.spec = json.load(file)
        ports = free_ports(len(CHANNELS))
        connection = {f"{channel}_port": port for channel, port in zip(CHANNELS, ports)}
        connection |= {"ip": "127.0.0.1", "transport": "tcp", "key": KEY.decode(), "signature_scheme": "hmac-sha256"}
        connection |= {"kernel_name": kernelspec}
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json", dir="/tmp")
        json.dump(connection, self.file)
        self.file.flush()
        replaced = {"{connection_file}": self.file.name, "{resource_dir}": f"{KERNELS}/{kernelspec}"}
        argv = self.spec["argv"]
        for name, value in replaced.items():
            argv = [part.replace(name, value) for part in argv]
        environment = {**os.environ, **self.spec.get("env", {})}
        environment.pop("PYTHONPATH", None)  # It is ours.
        began = time.monotonic()
        self.log = open(log, "wb")
        self.process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.context = zmq.Context()
        self.is_idle = False
        self._connect(ports)
        self._wait_until_heard()
        self.ready_ms = (time.monotonic() - began) * 1000

    def _connect(self, ports):
        kinds = {"shell": zmq.DEALER, "iopub": zmq.SUB, "stdin": zmq.DEALER, "control": zmq.DEALER, "hb": zmq.REQ}
        for channel, port in zip(CHANNELS, ports):
            connected = self.context.socket(kinds[channel])
            connected.linger = 0
            connected.reconnect_ivl = 5
            connected.identity = b"client"
            if channel == "iopub":
                connected.subscribe(b"")
                connected.rcvhwm = 0
            connected.connect(f"tcp://127.0.0.1:{port}")
            setattr(self, channel, connected)

    def _wait_until_heard(self):
        """A subscriber hears nothing of what was published before it was connected: ask until it hears."""
        while True:
            self.info = self.request("kernel_info_request", {})
            if self.iopub.poll(50):
                break
        while self.iopub.poll(50):
            self.receive(self.iopub)

    def send(self, channel, kind, content, key=KEY):
        self.last_id = os.urandom(8).hex()
        header = {"msg_id": self.last_id, "session": "s", "username": "u", "msg_type": kind, "version": "5.3"}
        header["date"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        signature = hmac.new(key, b"".join(parts), hashlib.sha256).hexdigest().encode()
        channel.send_multipart([b"<IDS|MSG>", signature, *parts])
        return self.last_id

    def receive(self, channel):
        self._wait_for(channel)
        frames = channel.recv_multipart()
        at = frames.index(b"<IDS|MSG>")
        expected = hmac.new(KEY, b"".join(frames[at + 2 : at + 6]), hashlib.sha256).hexdigest().encode()
        assert frames[at + 1] == expected, "the kernel signs what it sends"
        header, parent, _, content = map(json.loads, frames[at + 2 : at + 6])
        self.is_idle = content.get("execution_state") == "idle"
        return {"type": header["msg_type"], "parent_header": parent, "content": content}

    def _wait_for(self, channel):
        deadline = time.monotonic() + WAIT_MS / 1000
        while not channel.poll(100):
            if self.process.poll() is not None and not channel.poll(100):
                raise KernelDied(self.process.returncode)
            if time.monotonic() > deadline:
                raise TimeoutError("the kernel says nothing")

    def request(self, kind, content, channel=None):
        """The answer's content."""
        channel = channel or self.shell
        asked = self.send(channel, kind, content)
        return self.reply(asked, channel)

    def reply(self, asked, channel=None):
        while (reply := self.receive(channel or self.shell))["parent_header"].get("msg_id") != asked:
            pass
        return reply["content"]

    def published(self, asked, until=lambda kind, content: False):
        """What is published for a request, up to its end, or to what `until` finds."""
        found = []
        while True:
            message = self.receive(self.iopub)
            if message["parent_header"].get("msg_id") != asked:
                continue
            if self.is_idle and message["type"] == "status":
                return found
            found.append((message["type"], message["content"]))
            if until(*found[-1]):
                return found

    def execute(self, code, **more):
        """The reply and what was published."""
        asked = self.send(self.shell, "execute_request", {"code": code, **EXECUTION, **more})
        reply = self.reply(asked)
        return reply, self.published(asked)

    def execute_answering(self, code, *lines):
        """The same, with answers for what the code asks; also the questions."""
        asked = self.send(self.shell, "execute_request", {"code": code, **EXECUTION, "allow_stdin": True})
        questions = []
        for line in lines:
            questions.append(self.receive(self.stdin)["content"])
            self.send(self.stdin, "input_reply", {"value": line})
        return self.reply(asked), self.published(asked), questions

    def execute_interrupting(self, code, after):
        """The same for code that runs on: it is interrupted as soon as it has printed `after`."""
        asked = self.send(self.shell, "execute_request", {"code": code, **EXECUTION})
        said = []

        def heard(kind, content):
            if kind == "stream":
                said.append(content["text"])
            return after in "".join(said)

        before = self.published(asked, heard)
        self.interrupt()
        return self.reply(asked), before + self.published(asked)

    def interrupt(self):
        if self.spec.get("interrupt_mode", "signal") == "message":
            self.request("interrupt_request", {}, self.control)
        else:
            os.kill(self.process.pid, signal.SIGINT)

    def resident_mb(self):
        """The kernel's resident memory, with that of its children."""
        total = 0
        for entry in os.listdir("/proc"):
            if entry.isdecimal() and self._is_ours(int(entry)):
                with open(f"/proc/{entry}/statm", encoding="ascii") as file:
                    total += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return total / 1024 / 1024

    def _is_ours(self, pid):
        while pid > 1:
            if pid == self.process.pid:
                return True
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    pid = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                return False
        return False

    def close(self):
        self.process.kill()
        self.process.wait()
        self.context.destroy()
        self.file.close()
        self.log.close()


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def text_of(published, name="stdout"):
    return "".join(content["text"] for kind, content in published if kind == "stream" and content["name"] == name)
