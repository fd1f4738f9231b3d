# attack: kernel messages that user code made up: replies to others' requests, the end of its own, wrong parents
# stopped by: only what answers the request counts; code can lie about its own output, and about nothing else
# expect: ok
# prints: HELD: it went on
import time
from IPython import get_ipython

kernel = get_ipython().kernel
session, publish = kernel.session, kernel.iopub_socket
parents = [{}, None, {"header": {}}, {"header": {"msg_id": "other", "msg_type": "execute_request"}}, {"header": {"msg_id": "x" * 100_000}}]
for parent in parents:
    for kind, content in (
        ("status", {"execution_state": "idle"}),
        ("status", {"execution_state": ["idle", {"a": 1}]}),
        ("stream", {"name": "stdout", "text": "ESCAPED: said by nobody\n"}),
        ("stream", {"name": 7, "text": {"a": []}}),
        ("execute_reply", {"status": "ok", "execution_count": 99}),
        ("error", {"ename": None, "evalue": 1, "traceback": "none"}),
        ("shutdown_reply", {"restart": False}),
        ("input_request", {"prompt": 3}),
        ("made_up", {"anything": [1, 2, 3]}),
    ):
        try:
            session.send(publish, kind, content, parent=parent)
        except Exception:
            pass
time.sleep(1)
print("HELD: it went on")
