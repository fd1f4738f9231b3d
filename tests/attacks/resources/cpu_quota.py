# attack: more processor time than one second a second, with four processes
# stopped by: the processor quota
# expect: ok
# runsc: gVisor counts and shows this for itself; the engine's limits hold from outside
# runsc allows: s of processor time
import os, time

begin = time.monotonic()
for _ in range(4):
    if os.fork() == 0:
        while time.monotonic() < begin + 4:
            pass
        os._exit(0)
for _ in range(4):
    os.wait()
used, passed = sum(os.times()[2:4]), time.monotonic() - begin
print(("ESCAPED" if used > 1.25 * passed else "HELD") + f": {used:.1f} s of processor time in {passed:.1f} s")
