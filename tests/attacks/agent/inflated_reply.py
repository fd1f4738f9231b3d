# attack: a reply of 30 MB of numbers, which takes 500 MB for whoever makes values of them
# stopped by: JSON is weighed before it is parsed
# expect: error
# timeout: 30
# within: 60
from IPython import get_ipython

kernel = get_ipython().kernel
zeros = b"[" + b"0," * 15_000_000 + b"0]"
reply = b'{"status": "ok", "a": %b}' % zeros
ident = kernel._parent_ident["shell"]
kernel.session.send(kernel.shell_stream.socket, "execute_reply", reply, parent=kernel.get_parent(), ident=ident)
while True:
    pass
