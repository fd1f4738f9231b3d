# attack: the host's memory, by reading every file there is
# stopped by: the memory limit, which counts the page cache and takes it back
# expect: ok
# runsc: a call takes gVisor longer, and here are many: the deadline may come first
# runsc expect: ok, timeout
# within: 60
limit=512
for round in 1 2; do find /usr /opt -xdev -type f -exec cat {} + 2>/dev/null | wc -c >/dev/null; done
used=$(cat /sys/fs/cgroup/memory/memory.usage_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.current)
if [ $((used >> 20)) -le $limit ]; then echo "HELD: within $limit MiB"; else echo "ESCAPED: $used bytes"; fi
