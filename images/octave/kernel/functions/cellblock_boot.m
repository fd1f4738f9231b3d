## Prepares Octave for cells, and says that it is ready. What it prints is not shown: a first figure warns of gnuplot.
function cellblock_boot ()
  page_screen_output (false);
  warning ("off", "Octave:shadowed-function");
  set (0, "defaultfigurevisible", "off");
  delete (figure ());
  cellblock_say (struct ("word", "ready", "version", version ()));
endfunction
