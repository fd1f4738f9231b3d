# attack: the shell's fork bomb, lit again and again
# stopped by: the limit of processes, then the deadline's kill of all at once
# expect: timeout, killed, error
# runsc: gVisor's own threads count as processes: at the limit all of the sandbox ends
# runsc expect: timeout, killed, error, out_of_memory
# timeout: 5
# within: 30
# like: Piston multiple forks
# like: SandboxEval dangerous operations: fork bomb
bomb() { bomb | bomb & }
while :; do bomb 2>/dev/null; done
