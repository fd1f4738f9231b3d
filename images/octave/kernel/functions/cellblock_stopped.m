## Is read after every interrupt: says that it has had its effect, whether the cell had ended before it or not.
function cellblock_stopped (cell)
  cellblock_say (struct ("word", "stopped", "cell", cell));
  cellblock_wait (cell);
endfunction
