# attack: every signal there is, for the agent: end, stop, continue, real-time ones
# stopped by: process 1 of a PID namespace gets only signals that it asks for
# expect: ok
# runsc: gVisor lets process 1 be killed: the sandbox ends with it
# runsc expect: ok, killed
before=$(awk '{print $22}' /proc/1/stat)
for number in $(seq 1 64); do kill -$number 1 2>/dev/null; done
for state in 1 2 3 4 5; do
    [ "$(awk '{print $3}' /proc/1/stat)" = T ] && echo 'ESCAPED: it is stopped'
done
[ "$(awk '{print $22}' /proc/1/stat)" = "$before" ] && echo 'HELD: it lives' || echo 'ESCAPED: it is another'
