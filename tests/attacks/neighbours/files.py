# attack: files that another sandbox has, or left behind; and a mark for those to come
# stopped by: every place that can be written to is the sandbox's own, in memory, and gone with it
# expect: ok
# like: Piston file persistence
# like: SandboxEval file-system manipulation: files of others
import os

mark = b"neighbour-of-the" + b"-attacks"
for place in ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock", "/cellblock", "/packages", os.path.expanduser("~"), "."):
    for folder, _, files in os.walk(place):
        for name in files:
            path = os.path.join(folder, name)
            if "attack-was-here" in name:
                print("ESCAPED: another attack was here:", path)
            try:
                file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                if mark in os.read(file, 1 << 20):
                    print("ESCAPED: found it in", path)
                os.close(file)
            except OSError:
                pass
    try:
        open(f"{place}/attack-was-here", "wb").close()
        known = place in ("/tmp", "/dev/shm", os.path.expanduser("~"), ".")
        print("HELD: left a mark in" if known else "ESCAPED: can write to", place)
    except OSError as error:
        print("HELD:", place, error.strerror)
