# attack: higher limits, by writing to its own cgroup
# stopped by: the view of cgroups is read-only
# expect: ok
import glob, os

for path in glob.glob("/sys/fs/cgroup/**", recursive=True):
    if os.path.isfile(path):
        try:
            os.open(path, os.O_WRONLY)
            print("ESCAPED: can write to", path)
        except OSError:
            pass
for parent in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"):
    try:
        os.mkdir(f"{parent}/own")
        print("ESCAPED: made a cgroup in", parent)
    except OSError:
        pass
print("HELD: of", len(glob.glob("/sys/fs/cgroup/**", recursive=True)), "files none can be written")
