# attack: errors without end
# stopped by: the output limit, which counts both streams
# expect: output_limit
yes error >&2
