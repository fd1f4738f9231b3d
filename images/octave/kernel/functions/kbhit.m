## Stands in for Octave's own, which reads the terminal: the first character of the client's answer. Without waiting, none.
function key = kbhit (varargin)
  key = "";
  if (nargin == 0 && ischar (answer = cellblock_ask ("")))
    key = [answer "\n"](1);
  endif
endfunction
