"""The kernel, started from its kernelspec as the agent starts it, and spoken to as a client speaks to it."""

import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import zmq

SPEC = "/opt/conda/share/jupyter/kernels/bash/kernel.json"
KEY = b"a key"
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
WAIT_MS = 20_000


class Client:
    """Just enough of a client."""

    def __init__(self):
        ports = free_ports(len(CHANNELS))
        connection = {f"{channel}_port": port for channel, port in zip(CHANNELS, ports)}
        connection |= {"ip": "127.0.0.1", "transport": "tcp", "key": KEY.decode(), "signature_scheme": "hmac-sha256"}
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(connection, self.file)
        self.file.flush()
        with open(SPEC, encoding="utf-8") as spec:
            argv = [part.replace("{connection_file}", self.file.name) for part in json.load(spec)["argv"]]
        self.process = subprocess.Popen(argv)
        self.context = zmq.Context()
        kinds = {"shell": zmq.DEALER, "iopub": zmq.SUB, "stdin": zmq.DEALER, "control": zmq.DEALER, "hb": zmq.REQ}
        for channel, port in zip(CHANNELS, ports):
            connected = self.context.socket(kinds[channel])
            connected.linger = 0
            connected.identity = b"client"
            if channel == "iopub":
                connected.subscribe(b"")
            connected.connect(f"tcp://127.0.0.1:{port}")
            setattr(self, channel, connected)
        self.wait_until_heard()

    def wait_until_heard(self):
        """A subscriber hears nothing of what was published before it was connected: ask until it hears."""
        while True:
            self.request("kernel_info_request", {})
            if self.iopub.poll(50):
                break
        self.request("execute_request", {"code": "", "silent": True})
        while self.receive(self.iopub)["parent_header"].get("msg_id") != self.last_id or not self.is_idle:
            pass

    def send(self, channel, kind, content, key=KEY):
        self.last_id = os.urandom(8).hex()
        header = {"msg_id": self.last_id, "session": "s", "username": "u", "msg_type": kind, "version": "5.3"}
        parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        signature = hmac.new(key, b"".join(parts), hashlib.sha256).hexdigest().encode()
        channel.send_multipart([b"<IDS|MSG>", signature, *parts])

    def receive(self, channel):
        if not channel.poll(WAIT_MS):
            raise TimeoutError
        frames = channel.recv_multipart()
        at = frames.index(b"<IDS|MSG>")
        expected = hmac.new(KEY, b"".join(frames[at + 2 : at + 6]), hashlib.sha256).hexdigest().encode()
        assert frames[at + 1] == expected, "the kernel signs what it sends"
        header, parent, _, content = map(json.loads, frames[at + 2 : at + 6])
        self.is_idle = content.get("execution_state") == "idle"
        return {"type": header["msg_type"], "parent_header": parent, "content": content}

    def request(self, kind, content, channel=None):
        """The answer's content."""
        channel = channel or self.shell
        self.send(channel, kind, content)
        while (reply := self.receive(channel))["parent_header"].get("msg_id") != self.last_id:
            pass
        return reply["content"]

    def published(self, asked):
        """What is published for a request, up to its end."""
        found = []
        while True:
            message = self.receive(self.iopub)
            if message["parent_header"].get("msg_id") != asked:
                continue
            if self.is_idle:
                return found
            found.append((message["type"], message["content"]))

    def execute(self, code, **more):
        """The reply and what was published."""
        reply = self.request("execute_request", {"code": code, **more})
        return reply, self.published(self.last_id)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.context.destroy()
        self.file.close()


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def text_of(published, name="stdout"):
    return "".join(content["text"] for kind, content in published if kind == "stream" and content["name"] == name)


class KernelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = Client()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def test_an_execution_is_published_in_order(self):
        reply, published = self.client.execute("echo hi")
        self.assertEqual(reply["status"], "ok")
        self.assertEqual([kind for kind, _ in published], ["status", "execute_input", "stream"])
        self.assertEqual(text_of(published), "hi\n")

    def test_an_exit_status_is_an_error(self):
        reply, published = self.client.execute("(exit 3)")
        expected = {"ename": "ExitStatus", "evalue": "3", "traceback": ["exit status 3"]}
        self.assertEqual({key: reply[key] for key in expected}, expected)
        self.assertIn(("error", expected), published)

    def test_executions_are_counted_unless_silent(self):
        first, _ = self.client.execute("true")
        _, published = self.client.execute("echo quiet", silent=True)
        self.assertNotIn("execute_input", [kind for kind, _ in published])
        second, _ = self.client.execute("true")
        self.assertEqual(second["execution_count"], first["execution_count"] + 1)

    def test_a_signal_interrupts(self):
        self.interrupted(lambda: os.kill(self.client.process.pid, signal.SIGINT))

    def test_a_message_interrupts(self):
        self.interrupted(lambda: self.client.request("interrupt_request", {}, self.client.control))

    def interrupted(self, interrupt):
        self.client.send(self.client.shell, "execute_request", {"code": "echo on; while :; do :; done"})
        asked = self.client.last_id
        while self.client.receive(self.client.iopub)["type"] != "stream":
            pass
        interrupt()
        self.assertEqual(self.client.receive(self.client.shell)["content"]["ename"], "KeyboardInterrupt")
        self.assertIn("error", [kind for kind, _ in self.client.published(asked)])

    def test_read_asks_the_client(self):
        self.client.send(self.client.shell, "execute_request", {"code": "read -sp 'Key: ' k; echo $k", "allow_stdin": True})
        asked = self.client.last_id
        request = self.client.receive(self.client.stdin)
        self.assertEqual(request["content"], {"prompt": "Key: ", "password": True})
        self.client.send(self.client.stdin, "input_reply", {"value": "secret"})
        self.assertEqual(self.client.receive(self.client.shell)["content"]["status"], "ok")
        self.assertEqual(text_of(self.client.published(asked)), "secret\n")

    def test_what_waits_behind_a_failure_is_aborted(self):
        for code in ("sleep 0.2; false", "echo never"):
            self.client.send(self.client.shell, "execute_request", {"code": code, "stop_on_error": True})
        statuses = [self.client.receive(self.client.shell)["content"]["status"] for _ in range(2)]
        self.assertEqual(statuses, ["error", "aborted"])

    def test_a_request_with_a_wrong_signature_is_not_run(self):
        self.client.send(self.client.shell, "execute_request", {"code": "forged=yes"}, key=b"another")
        _, published = self.client.execute("echo ${forged-no}")
        self.assertEqual(text_of(published), "no\n")

    def test_whether_code_is_complete(self):
        for code, status in {
            "echo a": "complete",
            "for i in 1 2": "incomplete",
            "echo 'a": "incomplete",
            "cat <<E\nx": "incomplete",
            "echo \\": "incomplete",
            "echo \\\\": "complete",
            "if then": "invalid",
            "echo )": "invalid",
        }.items():
            with self.subTest(code=code):
                self.assertEqual(self.client.request("is_complete_request", {"code": code})["status"], status)

    def test_completion(self):
        self.client.execute("my_variable=1; my_function() { :; }")
        for code, match in {
            "my_fun": "my_function",
            "ls | gre": "grep",
            "echo $my_v": "$my_variable",
            "echo ${my_v": "${my_variable",
            "cat /et": "/etc/",
            "cat /etc/pass": "/etc/passwd",
        }.items():
            with self.subTest(code=code):
                answer = self.client.request("complete_request", {"code": code, "cursor_pos": len(code)})
                self.assertIn(match, answer["matches"])
                self.assertTrue(match.startswith(code[answer["cursor_start"] : answer["cursor_end"]]))

    def test_history(self):
        self.client.execute("echo remembered", store_history=True)
        answer = self.client.request("history_request", {"hist_access_type": "tail", "n": 1})
        self.assertEqual([code for _, _, code in answer["history"]], ["echo remembered"])

    def test_the_heart_beats(self):
        self.client.hb.send(b"ping")
        self.assertTrue(self.client.hb.poll(WAIT_MS))
        self.assertEqual(self.client.hb.recv(), b"ping")

    def test_a_shutdown_ends_kernel_and_shell(self):
        client = Client()
        self.addCleanup(client.close)
        shell = int(text_of(client.execute("echo $$")[1]))
        self.assertEqual(client.request("shutdown_request", {"restart": False}, client.control)["status"], "ok")
        self.assertEqual(client.process.wait(timeout=20), 0)
        self.assertFalse(os.path.exists(f"/proc/{shell}/cwd"))


if __name__ == "__main__":
    unittest.main()
