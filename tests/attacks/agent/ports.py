# attack: connections without number, and noise, to every port that listens in the sandbox
# stopped by: the agent listens on none; limits of open files
# expect: ok
import os, socket

listening = {int(line.split()[1].split(":")[1], 16) for line in open("/proc/net/tcp") if line.split()[3] == "0A"}
if len(listening) > 6:
    print("ESCAPED: more ports than the kernel's:", listening)
for port in listening:
    held = []
    for number in range(150):
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=1)
            connection.sendall(os.urandom(1000) if number % 2 else b"\xff" + bytes(8) + b"\x7f\x03")
            held.append(connection)
        except OSError:
            pass
    for connection in held:
        connection.close()
print("HELD: the kernel's", len(listening), "ports were flooded, and it answers")
