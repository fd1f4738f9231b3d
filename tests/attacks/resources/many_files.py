# attack: more files than can be handed out, in folders a thousand deep
# stopped by: the limit of files that are handed out; the agent walks without recursion
# expect: ok
# within: 60
import os

for number in range(20_000):
    open(f"file{number}", "w").close()
for depth in range(1000):
    os.mkdir("deep")
    os.chdir("deep")
open("bottom", "w").close()
if len(os.listdir("/proc/self/cwd")) != 1:
    print("ESCAPED: the bottom is not there")
print("HELD: all were made")
