"""Runs the kernel once while the image is built, so that the JVM archives the classes that it loads: a kernel that finds
them mapped into its memory starts in half the time.

    archive-classes.py KERNEL_FOLDER CELLS      writes classes.jsa into it, after a run of the cells in a JSON file
"""

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time

import zmq

WAIT_MS = 120_000
CONNECTION = {
    "ip": "127.0.0.1",
    "transport": "tcp",
    "key": "build",
    "signature_scheme": "hmac-sha256",
    **{f"{channel}_port": 41001 + at for at, channel in enumerate(("shell", "iopub", "stdin", "control", "hb"))},
}


def request(shell: zmq.Socket, kind: str, content: dict) -> None:
    header = {"msg_id": os.urandom(8).hex(), "session": "s", "username": "u", "msg_type": kind, "version": "5.3"}
    header["date"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
    signature = hmac.new(b"build", b"".join(parts), hashlib.sha256).hexdigest().encode()
    shell.send_multipart([b"<IDS|MSG>", signature, *parts])
    if not shell.poll(WAIT_MS):
        sys.exit(f"the kernel does not answer a {kind}")
    shell.recv_multipart()


def main(folder: str, cells: str) -> None:
    archive = os.path.join(folder, "classes.jsa")
    with open("/tmp/connection.json", "w", encoding="utf-8") as file:
        json.dump(CONNECTION, file)
    with open(os.path.join(folder, "kernel.json"), encoding="utf-8") as file:
        argv = json.load(file)["argv"]
    argv = [part.replace("-XX:SharedArchiveFile=", "-XX:ArchiveClassesAtExit=") for part in argv]
    with open(cells, encoding="utf-8") as file:
        codes = json.load(file)
    kernel = subprocess.Popen([part.replace("{connection_file}", "/tmp/connection.json") for part in argv])
    shell = zmq.Context().socket(zmq.DEALER)
    shell.linger = 0
    shell.connect(f"tcp://127.0.0.1:{CONNECTION['shell_port']}")
    request(shell, "kernel_info_request", {})
    for code in codes:
        request(shell, "execute_request", {"code": code, "silent": False, "allow_stdin": False})
    kernel.send_signal(signal.SIGTERM)
    kernel.wait(WAIT_MS / 1000)
    os.remove("/tmp/connection.json")
    if not os.path.exists(archive):
        sys.exit("the JVM wrote no archive")


if __name__ == "__main__":
    main(*sys.argv[1:])
