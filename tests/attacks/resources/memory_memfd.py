# attack: all memory, in files that have no place
# stopped by: the memory limit, which counts them
# expect: out_of_memory
import os

held = []
while True:
    file = os.memfd_create("held")
    held.append(file)
    for _ in range(8):
        os.write(file, bytes(1 << 20))
