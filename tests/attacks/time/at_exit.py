# attack: handlers that never return when the kernel ends
# stopped by: nobody waits for the kernel's own end
# expect: ok
# within: 30
import atexit, threading, time

atexit.register(lambda: time.sleep(1000))
threading.Thread(target=lambda: time.sleep(1000)).start()
atexit.register(lambda: open("/tmp/own", "w").write("x" * 10))
if not threading.active_count() > 1:
    print("ESCAPED: nothing waits: nothing was attacked")
print("HELD: it is over")
