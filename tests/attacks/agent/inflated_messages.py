# attack: messages of 30 MB of numbers, which take 500 MB for whoever makes values of them: a reply, a picture
# stopped by: JSON is weighed before it is parsed; the output limit counts what values take
# expect: output_limit
# timeout: 30
# within: 60
from IPython import get_ipython

kernel = get_ipython().kernel
session, parent = kernel.session, kernel.get_parent()
zeros = b"[" + b"0," * 15_000_000 + b"0]"
ident = kernel._parent_ident["shell"]
session.send(kernel.shell_stream.socket, "execute_reply", b'{"status": "ok", "a": %b}' % zeros, parent=parent, ident=ident)
session.send(kernel.iopub_socket, "display_data", b'{"data": {"application/json": %b}, "metadata": {}}' % zeros, parent=parent)
while True:
    pass
