# attack: forged frames and a flood on the kernel's own stdout and stderr, which the agent reads
# stopped by: they are a log of bounded size, never the link
# expect: ok
import os, struct, sys, zlib

def frame(kind, epoch):
    payload = os.urandom(1 << 14)
    head = struct.pack(">BQQH", 0x10 | kind, epoch, 0, len(payload))
    return b"\xcb\xf1\x9a\xe7" + head + struct.pack(">I", zlib.crc32(head + payload)) + payload

# ipykernel has put pipes of its own where its outputs were, and kept those.
for number in range(60):
    for stream in (sys.stdout, sys.stderr):
        os.write(stream._original_stdstream_copy, b"".join(frame(kind, number) for kind in range(1, 8)) + b"\n" * 100)
if open("/proc/self/stat").read().split()[2] not in "RS":
    print("ESCAPED: held up")
print("HELD: nobody minds")
