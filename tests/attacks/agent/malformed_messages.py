# attack: parts that are no message: no signature, a wrong one, no JSON, JSON a million deep, a thousand parts, none
# stopped by: the agent checks signatures and bounds; the service parses what it needs, defensively
# expect: ok
# prints: HELD: it went on
import hashlib, hmac, time
from IPython import get_ipython

kernel = get_ipython().kernel
key, publish = kernel.session.key, kernel.iopub_socket

def sign(parts):
    code = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        code.update(part)
    return code.hexdigest().encode()

deep = b"[" * 1_000_000
bodies = [
    [b"{}", b"{}", b"{}", b"{}"], [deep, b"{}", b"{}", deep], [b"\xff\xfe", b"\0", b"null", b"1e999"], [b"{}"], [], [b""] * 4,
    [b'{"msg_id":' + b"9" * 100_000 + b"}", b"{}", b"{}", b"{}"], [b"{}", b"{}", b"{}", b"{}"] + [b"x"] * 1000,
    [b'{"msg_id": "a", "msg_type": "stream", "msg_id": "b"}'] * 4, [b"{" * 10, b"}" * 10, b'"', b"'"],
]
for body in bodies:
    for parts in ([b"<IDS|MSG>", sign(body), *body], [b"<IDS|MSG>", b"0" * 64, *body], [b"topic", b"<IDS|MSG>", b"", *body], body or [b""]):
        publish.send_multipart(parts)
time.sleep(1)
print("HELD: it went on")
