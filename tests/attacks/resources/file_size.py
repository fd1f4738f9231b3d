# attack: a larger file than allowed, after raising the limit
# stopped by: a hard limit of a file's size
# expect: ok
import os, resource, signal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
try:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print("ESCAPED: the limit was raised")
except (ValueError, PermissionError):
    print("HELD: the limit stays at", hard)
try:
    file = os.memfd_create("large")
    os.ftruncate(file, hard + 1)
    print("ESCAPED: a larger file")
except OSError as error:
    print("HELD:", error.strerror)
