# attack: two hundred busy processes, so that others get no turn
# stopped by: the processor quota of the whole sandbox, the limit of processes
# expect: timeout
# timeout: 6
# within: 40
import os

for _ in range(200):
    try:
        if os.fork() == 0:
            break
    except OSError:
        break
while True:
    os.sched_yield()
