# attack: more open files than allowed, after raising the limit
# stopped by: a hard limit of open files
# expect: ok
import os, resource

for limit in ((1 << 20, 1 << 20), (1025, 1025)):
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        print("ESCAPED: the limit was raised")
    except (ValueError, PermissionError):
        pass
held = []
try:
    while len(held) < 1 << 20:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
for file in held:
    os.close(file)
print("HELD: no more open files" if len(held) < 1024 else f"ESCAPED: {len(held)} open files")
