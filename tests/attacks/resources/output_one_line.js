// attack: one line of a hundred million characters
// stopped by: the output limit, or the memory limit
// expect: output_limit, out_of_memory
console.log("x".repeat(100_000_000));
