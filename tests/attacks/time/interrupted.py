# attack: the interrupt is taken as a chance to print, for ever
# stopped by: a kill of all, after the interrupt's grace; the output limit
# expect: timeout, output_limit
# timeout: 3
# within: 20
import time

while True:
    try:
        time.sleep(1000)
    except BaseException:
        print("x" * 1000)
