# attack: a word to another sandbox: its ports, its abstract sockets
# stopped by: a network namespace of the sandbox's own
# expect: ok
import socket

names = [("127.0.0.1", 7777), ("127.0.0.2", 7777), ("0.0.0.0", 7777), ("::1", 7777)]
for address in names:
    try:
        socket.create_connection(address, timeout=2)
        print("ESCAPED:", address)
    except OSError as error:
        print("HELD:", address, error.strerror)
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    with socket.socket(socket.AF_UNIX, kind) as it:
        try:
            it.connect("\0neighbour-of-the" "-attacks")
            print("ESCAPED: an abstract socket")
        except OSError as error:
            print("HELD:", error.strerror)
if "neighbour" in open("/proc/net/unix").read():
    print("ESCAPED: it is listed")
