## Stands in for Octave's own, which reads the terminal: asks the client.
function value = input (prompt, kind)
  if (nargin < 1)
    print_usage ();
  endif
  answer = cellblock_ask (prompt);
  if (! ischar (answer))
    error ("input: reading user-input failed!");
  elseif (nargin > 1)
    value = answer;
  elseif (isempty (strtrim (answer)))
    value = [];
  else
    value = evalin ("caller", answer);
  endif
endfunction
