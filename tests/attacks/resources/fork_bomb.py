# attack: a fork bomb: every process forks for ever
# stopped by: the limit of processes, then the deadline's kill of all at once
# expect: timeout
# timeout: 5
# within: 30
# like: Piston fork
# like: SandboxEval dangerous operations: fork bomb
# runsc: gVisor's own threads count as processes: at the limit all of the sandbox ends
# runsc expect: timeout, killed, out_of_memory
import os, time

while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.01)
