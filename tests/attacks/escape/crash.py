# attack: crashes, so that the host handles the core with a program of its own
# stopped by: core files are limited to nothing
# expect: ok
import ctypes, os, resource, signal

for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT, signal.SIGBUS):
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
            os.write(1, b"ESCAPED: the limit was raised\n")
        except (ValueError, OSError):
            pass
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    status = os.waitpid(child, 0)[1]
    print("ESCAPED: a core" if os.WCOREDUMP(status) else f"HELD: no core of signal {os.WTERMSIG(status)}")
if any(name.startswith("core") for name in os.listdir()):
    print("ESCAPED: a core file")
