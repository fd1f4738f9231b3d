# attack: all memory, on the heap
# stopped by: the memory limit, without swap
# expect: out_of_memory
# like: SandboxEval dangerous operations: memory
held = []
while True:
    held.append(bytearray(b"x" * (16 << 20)))
