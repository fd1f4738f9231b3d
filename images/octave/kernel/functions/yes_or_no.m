## Stands in for Octave's own, which reads the terminal: asks the client until it says `yes` or `no`.
function yes = yes_or_no (prompt = "")
  do
    answer = cellblock_ask ([prompt "(yes or no) "]);
    if (! ischar (answer))
      error ("yes_or_no: reading user-input failed!");
    endif
  until (any (strcmp (answer, {"yes", "no"})))
  yes = strcmp (answer, "yes");
endfunction
