"""The floor: a kernel and jupyter_client side by side in one container. Prints seconds as JSON.

For each round a fresh kernel is started; its boot, its first cell and a later one are timed. In some of them a large
output follows.
"""

import json
import sys
import time

from jupyter_client import KernelManager


def wait_idle(client, message_id):
    """Until both the reply and the idle status of a request have come."""
    while client.get_shell_msg(timeout=30)["parent_header"].get("msg_id") != message_id:
        pass
    while True:
        message = client.get_iopub_msg(timeout=30)
        ours = message["parent_header"].get("msg_id") == message_id
        if ours and message["content"].get("execution_state") == "idle":
            return


def timed(client, code):
    begin = time.perf_counter()
    wait_idle(client, client.execute(code))
    return time.perf_counter() - begin


def boot(manager):
    begin = time.perf_counter()
    manager.start_kernel()
    client = manager.client()
    client.start_channels(hb=False)
    client.wait_for_ready(timeout=30)
    return client, time.perf_counter() - begin


rounds, large_rounds, large = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
boots, first, later, one, output = [], [], [], [], []
for number in range(rounds):
    manager = KernelManager(kernel_name="python3")
    client, seconds = boot(manager)
    boots.append(seconds)
    first.append(timed(client, 'print("hi")'))
    later.append(timed(client, 'print("hi")'))
    one.extend(timed(client, "1") for _ in range(10))
    if number < large_rounds:
        output.append(timed(client, large))
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps({"boot": boots, "first": first, "later": later, "one": one, "output": output}))
