# attack: a picture of 30 MB of numbers, which takes 500 MB for whoever makes values of them
# stopped by: JSON is weighed before it is parsed; the output limit counts what values take
# expect: output_limit
# timeout: 30
# within: 60
from IPython import get_ipython

kernel = get_ipython().kernel
zeros = b"[" + b"0," * 15_000_000 + b"0]"
picture = b'{"data": {"application/json": %b}, "metadata": {}}' % zeros
kernel.session.send(kernel.iopub_socket, "display_data", picture, parent=kernel.get_parent())
while True:
    pass
