# attack: the system's memory, by pipes as large as can be and full
# stopped by: the limit of open files, the system's limit of pages in a user's pipes, the memory limit
# expect: ok, out_of_memory
import fcntl, os

ends, stored = [], 0
try:
    while stored < 2 << 30:
        ends.append(os.pipe())
        end = ends[-1][1]
        os.set_blocking(end, False)
        try:
            fcntl.fcntl(end, 1031, 1 << 20)
        except OSError:
            pass
        try:
            while True:
                stored += os.write(end, bytes(1 << 16))
        except BlockingIOError:
            pass
except OSError:
    pass
for pair in ends:
    os.close(pair[0]), os.close(pair[1])
print("ESCAPED: pipes held" if stored > 512 << 20 else "HELD: pipes held no more than", stored >> 20, "MiB")
