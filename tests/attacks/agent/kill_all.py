# attack: the end of every process that it can reach
# stopped by: the agent outlives it, and says that the kernel died
# expect: killed
import os, signal

try:
    os.kill(-1, signal.SIGKILL)
except ProcessLookupError:
    pass  # There is none but itself.
os.kill(os.getpid(), signal.SIGKILL)
