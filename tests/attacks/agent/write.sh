# attack: forged frames into the link, by the agent's stdin, stdout and memory
# stopped by: the agent is not dumpable: its entries belong to root
# expect: ok
# runsc: gVisor does not keep a process that is not dumpable from its user: code reads the agent and writes into its link, which is its own word only
# runsc expect: ok, killed
# runsc allows: wrote to /proc/1/fd/
# runsc allows: wrote to /proc/1/task/1/fd/
for path in /proc/1/fd/0 /proc/1/fd/1 /proc/1/fd/2 /proc/1/task/1/fd/0 /proc/1/task/1/fd/1 /proc/1/mem /proc/1/comm /proc/1/clear_refs \
    /proc/1/coredump_filter /proc/1/oom_adj /proc/1/oom_score_adj /proc/1/timerslack_ns /proc/1/setgroups /proc/1/uid_map; do
    if (printf '\313\361\232\347forged' >$path) 2>/dev/null; then echo "ESCAPED: wrote to $path"; else echo "HELD: $path"; fi
done
