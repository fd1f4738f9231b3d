# attack: a flood of well-formed messages that are nobody's output
# stopped by: a ring of bounded size in the agent, the deadline
# expect: ok, output_limit
# timeout: 20
import time

from IPython import get_ipython

kernel = get_ipython().kernel
before = open("/proc/1/statm").read().split()[1]
number, until = 0, time.monotonic() + 10
while number < 30_000 and time.monotonic() < until:
    number += 1
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "busy", "filler": "x" * 1000}, parent={"header": {"msg_id": "other"}})
after = open("/proc/1/statm").read().split()[1]
grown = (int(after) - int(before)) * 4096 >> 20
print("ESCAPED: the agent grew by" if grown > 128 else "HELD: the agent grew by", grown, "MiB by", number, "messages")
