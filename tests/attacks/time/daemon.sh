# attack: a daemon that outlives its execution
# stopped by: the sandbox ends with the execution, and everything in it
# expect: ok
# within: 30
setsid nohup bash -c 'trap "" TERM INT HUP; exec -a cellblock-attack-daemon sleep 1000' >/dev/null 2>&1 </dev/null &
disown -a
# By its own name: who is about to become it names it, too, and is nobody for a moment.
runs() { grep -qsa '^cellblock-attack-daemon' /proc/[0-9]*/cmdline; }
for wait in {1..50}; do runs && break; sleep 0.1; done
runs && echo 'HELD: it runs now, and nothing of it is left in the end' || echo 'ESCAPED: it does not run: nothing was attacked'
