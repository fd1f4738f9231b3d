# attack: the agent's own program, started by user code: as an agent, as a launcher, with its link on a pipe
# stopped by: it has no more rights than the code that starts it
# expect: ok
# runsc: gVisor does not keep a process that is not dumpable from its user: code reads the agent and writes into its link, which is its own word only
# runsc allows: the environment of process 1
agent=/cellblock/agent
printf 'CBLK' | timeout 3 $agent >made 2>&1; echo "HELD: as an agent, $(wc -c <made) bytes"
timeout 3 $agent launch id -u 2>/dev/null | grep -qx 0 && echo 'ESCAPED: root'
timeout 3 $agent launch cat /proc/1/environ >/dev/null 2>&1 && echo 'ESCAPED: the environment of process 1'
[ "$(timeout 3 $agent launch id -u 2>/dev/null)" = "$(id -u)" ] && echo 'HELD: the same user'
[ -w $agent ] && echo 'ESCAPED: it can be written'
true
