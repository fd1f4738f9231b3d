## Waits until the kernel knows that the cell has ended, and will interrupt no more: SIGINT would end an idle Octave. One
## that came meanwhile has its effect in the loop.
function cellblock_wait (cell)
  over = sprintf ("cellblock_over (%d);", cell);
  do
    line = fgetl (stdin);
  until (isequal (line, over) || isequal (line, -1))
endfunction
