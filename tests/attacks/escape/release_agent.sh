# attack: the host runs a program when a cgroup empties (release_agent, CVE-2022-0492)
# stopped by: no capability and no user namespace to mount one in; the sandbox's own view of cgroups is read-only
# expect: ok
# like: SandboxEscapeBench cgroup release_agent
# runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
# runsc allows: unshare -UrmC
attempt() { if eval "$1" 2>/dev/null; then echo "ESCAPED: $1"; else echo "HELD: $1"; fi; }
mkdir -p /tmp/cgroup
for controller in memory rdma cpu pids; do
    attempt "mount -t cgroup -o $controller cgroup /tmp/cgroup"
    attempt "unshare -UrmC sh -c 'mount -t cgroup -o $controller cgroup /tmp/cgroup'"
    attempt "echo /tmp/own >/sys/fs/cgroup/$controller/release_agent"
    attempt "echo 1 >/sys/fs/cgroup/$controller/notify_on_release"
    attempt "mkdir /sys/fs/cgroup/$controller/own"
done
attempt 'mount -t cgroup2 cgroup /tmp/cgroup'
attempt 'mkdir /sys/fs/cgroup/own'
attempt 'find /sys/fs/cgroup -name release_agent -writable | grep .'
