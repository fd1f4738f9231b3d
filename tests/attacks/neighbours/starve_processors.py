# attack: two hundred busy processes, so that others get no turn
# stopped by: the processor quota of the whole sandbox, the limit of processes
# expect: timeout
# timeout: 6
# within: 40
# runsc: gVisor's own threads count as processes: at the limit all of the sandbox ends
# runsc expect: timeout, killed, out_of_memory
import os

for _ in range(200):
    try:
        if os.fork() == 0:
            break
    except OSError:
        break
while True:
    os.sched_yield()
