# attack: twice the memory that there may be, and no more
# stopped by: the memory limit, without swap
# expect: out_of_memory
held = [bytearray(b"x" * (16 << 20)) for _ in range(64)]
print("ESCAPED:", sum(map(len, held)) >> 20, "MiB")
