## Runs a cell's file in the base workspace, and says how it ended. An interrupt leaves it wherever it is; then
## cellblock_stopped says so. See interpreter.py.
function cellblock_run (cell, file)
  ended = struct ("word", "ended", "cell", cell, "outcome", "ok");
  cellblock_say (struct ("word", "began", "cell", cell));
  try
    evalin ("base", ["source ('" file "');"]);
  catch failure
    ended.outcome = "error";
    ended.error = described (unparsed (failure, file), file);
  end_try_catch
  ended.pictures = cellblock_draw (fileparts (file));
  cellblock_say (ended);
  cellblock_wait (cell);
endfunction

## The parser's complaint, where `source` only says that there was one.
function failure = unparsed (failure, file)
  if (strcmp (failure.message, ["source: error sourcing file '" file "'"]))
    before = warning ("off", "Octave:function-name-clash");
    try
      __parse_file__ (file);
    catch failure
    end_try_catch
    warning (before);
  endif
endfunction

## An error's parts, cut where they would be too long to be told.
function error = described (failure, file)
  message = strrep (failure.message, ["file " file], "the cell");
  called = {};
  for frame = failure.stack'
    if (isempty (strfind (frame.file, "/functions/cellblock_")))
      called{end+1} = sprintf ("    %s at line %d column %d", strrep (frame.name, file, "the cell"), frame.line, frame.column);
    endif
  endfor
  error = struct ("identifier", failure.identifier, "message", message(1:min (end, 10000)));
  error.called = called(1:min (end, 50));
endfunction
