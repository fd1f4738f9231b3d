# A neighbour of the attacks: holds what they look for, and says for ever that it is alive, or that it was touched.
import ctypes, fcntl, os, select, signal, socket, sys, time

MARK = "neighbour-of-the-attacks"
os.environ["NEIGHBOUR"] = MARK
places = ["/tmp/neighbour", "/dev/shm/neighbour", "neighbour"]
for place in places:
    with open(place, "w") as file:
        file.write(MARK)
server = socket.create_server(("127.0.0.1", 7777))
abstract = socket.socket(socket.AF_UNIX)
abstract.bind("\0" + MARK)
abstract.listen()
if os.fork() == 0:
    os.execv("/bin/sleep", [MARK, "1000"])
for number in range(1, 65):
    if number not in (signal.SIGINT, signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGSEGV, 32, 33):
        try:
            signal.signal(number, lambda number, _: print("TOUCHED by signal", number, flush=True))
        except OSError:
            pass
listed = None
while True:
    if select.select([server, abstract], [], [], 0.25)[0]:
        print("TOUCHED by a connection")
    if any(open(place).read() != MARK for place in places):
        print("TOUCHED a file")
    for place in ("/tmp", "/dev/shm", os.path.expanduser("~"), "."):
        if os.path.exists(f"{place}/attack-was-here"):
            print("TOUCHED by a mark in", place)
    watch = ctypes.CDLL(None).inotify_init1(0)
    if watch < 0:
        print("TOUCHED: no watch is left")
    else:
        os.close(watch)
    ends = os.pipe()
    os.write(ends[1], b"x" * 4096)
    os.close(ends[0]), os.close(ends[1])
    processes = {name for name in os.listdir("/proc") if name.isdigit()}
    if listed is not None and processes - listed:
        print("TOUCHED by processes", processes - listed)
    listed = processes
    print("ALIVE", flush=True)
