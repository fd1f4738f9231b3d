# attack: a shutdown request to its own kernel, with the key from the connection file
# stopped by: nothing: it is its own kernel; the agent and the service notice its end
# expect: killed, timeout, ok
# timeout: 5
# within: 30
import glob, json, os, time
import zmq
from jupyter_client.session import Session

path = (glob.glob(os.path.expanduser("~/.local/share/jupyter/runtime/kernel-*.json")) + glob.glob("/tmp/jupyter-runtime/kernel-*.json"))[0]
connection = json.load(open(path))
control = zmq.Context().socket(zmq.DEALER)
control.connect(f"tcp://127.0.0.1:{connection['control_port']}")
Session(key=connection["key"].encode()).send(control, "shutdown_request", {"restart": False})
time.sleep(3)
try:
    os.kill(1, 0)
    print("HELD: the agent lives")
except ProcessLookupError:
    print("ESCAPED: the agent is gone")
