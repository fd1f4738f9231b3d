## Stands in for Octave's own, which reads the terminal: runs the client's lines in the caller until one says `return`.
function keyboard (prompt = "keyboard> ")
  while (ischar (line = cellblock_ask (prompt)) && ! any (strcmp (strtrim (line), {"return", "dbcont", "dbquit"})))
    try
      evalin ("caller", line);
    catch failure
      fprintf (stderr, "error: %s\n", failure.message);
    end_try_catch
  endwhile
endfunction
