## The client's answer as text; -1 when there is no more input. The kernel sends an answer as a comment, so that one that
## an interrupt leaves behind does nothing.
function answer = cellblock_ask (prompt)
  cellblock_say (struct ("word", "asks", "prompt", prompt));
  do
    line = fgetl (stdin);
  until (! ischar (line) || strncmp (line, "%", 1))
  answer = -1;
  if (ischar (line) && strncmp (line, "%+", 2))
    answer = line(3:end);
  endif
endfunction
