## What `cellblock_wait` waits for. Nothing, if it is read as a command.
function cellblock_over (cell)
endfunction
