# attack: sleep past the deadline
# stopped by: an interrupt, at the deadline
# expect: timeout
# timeout: 3
# within: 20
import time

time.sleep(1000)
