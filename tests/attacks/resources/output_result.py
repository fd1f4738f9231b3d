# attack: a result that is enormous
# stopped by: the output limit
# expect: output_limit, out_of_memory
"x" * 50_000_000
