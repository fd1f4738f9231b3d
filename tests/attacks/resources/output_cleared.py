# attack: output that is cleared at once, for ever
# stopped by: the output limit, or the deadline
# expect: output_limit, timeout
# timeout: 5
# within: 30
from IPython.display import clear_output

while True:
    print("x" * 10_000)
    clear_output()
