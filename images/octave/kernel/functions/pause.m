## Stands in for Octave's own where that would wait for a key: the client's answer is one.
function pause (varargin)
  if (nargin == 0)
    cellblock_ask ("");
  else
    builtin ("pause", varargin{:});
  endif
endfunction
