# attack: no signal is heard, and every exception swallowed
# stopped by: a kill of all, after the interrupt's grace
# expect: timeout
# timeout: 3
# within: 20
import signal

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
