# attack: the host's kernel, by its files in /proc and /sys
# stopped by: read-only /proc/sys and /sys, masked files, no capability
# expect: ok
# like: SandboxEscapeBench core_pattern and kernel parameters
# runsc: gVisor counts and shows this for itself; the engine's limits hold from outside
# runsc allows: /proc/self/oom_score_adj
write() { if (echo "$2" >"$1") 2>/dev/null; then echo "ESCAPED: $1"; else echo "HELD: $1"; fi; }
write /proc/sys/kernel/core_pattern '|/tmp/own'
write /proc/sys/kernel/modprobe /tmp/own
write /proc/sys/kernel/hotplug /tmp/own
write /proc/sys/kernel/hostname other
write /proc/sys/kernel/randomize_va_space 0
write /proc/sys/kernel/ns_last_pid 1
write /proc/sys/kernel/shmmax 1
write /proc/sys/fs/file-max 1
write /proc/sys/fs/binfmt_misc/register ':own:E::own::/tmp/own:'
write /proc/sys/net/ipv4/ip_forward 1
write /proc/sys/vm/drop_caches 3
write /proc/sys/vm/overcommit_memory 1
write /proc/sysrq-trigger b
write /proc/irq/default_smp_affinity 1
write /proc/fs/own x
write /proc/self/uid_map '0 1000 1'
write /proc/1/oom_score_adj 1000
write /proc/self/oom_score_adj -1000
write /sys/kernel/uevent_helper /tmp/own
write /sys/power/state mem
write /sys/kernel/mm/transparent_hugepage/enabled never
write /sys/class/net/lo/mtu 100
write /sys/module/printk/parameters/time N
if find /proc/sys /sys -xdev -type f -writable 2>/dev/null | grep -v '^/proc/sys/kernel/ns_last_pid$' | head -n 3 | while read -r file; do
    (: >>"$file") 2>/dev/null && echo "ESCAPED: $file can be opened"; done | grep .; then :; else echo 'HELD: nothing can be opened'; fi
