# attack: one message of 150 MB
# stopped by: the longest message that the agent takes, the memory limit
# expect: ok, output_limit, out_of_memory, timeout, killed
# timeout: 10
# within: 40
import time
from IPython import get_ipython

kernel = get_ipython().kernel
kernel.session.send(kernel.iopub_socket, "display_data", {"data": {}, "metadata": {}}, buffers=[bytes(150 << 20)], parent=kernel.get_parent())
time.sleep(3)
agent = int(open("/proc/1/statm").read().split()[1]) * 4096 >> 20
print("ESCAPED: the agent has" if agent > 300 else "HELD: the agent has", agent, "MiB")
