# attack: a kernel that becomes one which speaks ZMTP with sizes of exabytes, then noise
# stopped by: the agent's own decoder: no memory is taken for what was not sent; the deadline
# expect: timeout
# timeout: 6
# within: 30
import glob, json, os, sys

PROGRAM = r"""
import json, os, socket, struct, sys, threading, time
GREETING = b"\xff" + bytes(7) + b"\x01\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)
READY = b"\x05READY\x0bSocket-Type\0\0\0\x06ROUTER"
FRAMES = [b"\x02" + struct.pack(">Q", 1 << 62), b"\x03" + struct.pack(">Q", 1 << 40) + b"x" * 1000, b"\x01\x00" * 100_000,
          b"\xff" * 100_000, os.urandom(1 << 20), b"\x04\xff" + b"y" * 255, b"\x00\xff" + b"z" * 255]

def lie(connection, number):
    try:
        connection.sendall(GREETING)
        connection.recv(64)
        if number % 4:
            connection.sendall(b"\x04" + bytes([len(READY)]) + READY)
        while True:
            connection.sendall(FRAMES[number % len(FRAMES)])
            time.sleep(0.001)
    except OSError:
        pass

def listen(port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    while True:
        try:
            server.bind(("127.0.0.1", port))
            break
        except OSError:
            time.sleep(0.05)
    server.listen()
    for number in range(1_000_000):
        threading.Thread(target=lie, args=(server.accept()[0], number), daemon=True).start()

for port in map(int, sys.argv[1:]):
    threading.Thread(target=listen, args=(port,)).start()
"""
paths = glob.glob(os.path.expanduser("~/.local/share/jupyter/runtime/kernel-*.json")) + glob.glob("/tmp/jupyter-runtime/kernel-*.json")
if not paths:
    print("ESCAPED: no connection file was found, and nothing was attacked")
connection = json.load(open(paths[0]))
ports = [str(connection[name]) for name in ("shell_port", "iopub_port", "stdin_port", "control_port")]
os.execv(sys.executable, [sys.executable, "-c", PROGRAM, *ports])
