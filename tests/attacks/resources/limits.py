# attack: whatever of the host's its cgroup has no limit of: memory, swap, processor time, processes
# stopped by: a limit of each
# expect: ok
# runsc: gVisor counts and shows this for itself; the engine's limits hold from outside
# runsc allows: of inf
import glob

def number(*patterns):
    for path in (path for pattern in patterns for path in glob.glob("/sys/fs/cgroup/" + pattern)):
        word = open(path).read().split()[0]
        return float("inf") if word == "max" or word == "-1" or int(word) >= 1 << 60 else int(word)

def limit(what, value, most):
    if value is None:
        print("HELD:", what, "is not told")
    else:
        print("ESCAPED:" if value > most else "HELD:", what, "of", value)

memory, both = number("memory.max", "memory/memory.limit_in_bytes"), number("memory/memory.memsw.limit_in_bytes")
limit("memory", memory, 1 << 30)
limit("swap", number("memory.swap.max") if both is None else both - memory, 0)
limit("microseconds in each tenth of a second", number("cpu.max", "cpu/cpu.cfs_quota_us", "cpu,cpuacct/cpu.cfs_quota_us"), 100_000)
limit("processes", number("pids.max", "pids/pids.max"), 256)
