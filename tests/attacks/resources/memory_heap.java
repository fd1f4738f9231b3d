// attack: all memory of the JVM
// stopped by: the memory limit, of which the JVM takes a part
// expect: error, out_of_memory
var held = new java.util.ArrayList<byte[]>();
for (;;) { byte[] more = new byte[8 << 20]; java.util.Arrays.fill(more, (byte) 1); held.add(more); }
