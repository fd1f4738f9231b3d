# attack: a kernel that stops itself and never answers
# stopped by: the deadline, and a kill that reaches the stopped
# expect: timeout
# timeout: 4
# within: 25
import os, signal

os.kill(os.getpid(), signal.SIGSTOP)
