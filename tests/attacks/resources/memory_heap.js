// attack: all memory, outside of JavaScript's own heap limit
// stopped by: the memory limit, without swap
// expect: out_of_memory
const held = [];
for (;;) held.push(Buffer.alloc(16 << 20, 1));
