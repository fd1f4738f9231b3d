# attack: a daemon that outlives its execution
# stopped by: the sandbox ends with the execution, and everything in it
# expect: ok
# within: 30
setsid nohup bash -c 'trap "" TERM INT HUP; exec -a cellblock-attack-daemon sleep 1000' >/dev/null 2>&1 </dev/null &
disown -a
for wait in 1 2 3 4 5 6 7 8 9 10; do grep -qa cellblock-attack-daemon /proc/[0-9]*/cmdline && break; sleep 0.1; done
grep -qa cellblock-attack-daemon /proc/[0-9]*/cmdline && echo 'HELD: it runs now, and nothing of it is left in the end' || echo 'ESCAPED: it does not run: nothing was attacked'
