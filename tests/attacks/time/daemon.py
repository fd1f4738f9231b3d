# attack: a double fork that keeps the output open and goes on printing after the end
# stopped by: the execution ends when its kernel says so, and the sandbox with it
# expect: ok
# prints: HELD: it was left
# within: 30
import os, sys, time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            os.write(1, b"still here\n")
            time.sleep(0.01)
    os._exit(0)
os.wait()
print("HELD: it was left to itself")
