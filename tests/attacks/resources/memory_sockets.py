# attack: the system's memory, by sockets that nobody reads
# stopped by: the limit of open files, the memory limit, which counts the system's buffers
# expect: ok, out_of_memory
import socket

pairs, stored = [], 0
try:
    while stored < 2 << 30:
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        pairs.append(pair)
        pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
        pair[0].setblocking(False)
        try:
            while True:
                stored += pair[0].send(bytes(1 << 16))
        except BlockingIOError:
            pass
except OSError:
    pass
pairs.clear()
print("ESCAPED: sockets held" if stored > 512 << 20 else "HELD: sockets held no more than", stored >> 20, "MiB")
