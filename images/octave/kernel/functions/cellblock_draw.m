## Draws every figure that holds something into a PNG file in the folder, and closes all of them.
function pictures = cellblock_draw (folder)
  pictures = {};
  figures = sort (get (0, "children"))';
  for each = figures
    if (isempty (get (each, "children")))
      continue;
    endif
    picture = sprintf ("%s/figure-%d.png", folder, numel (pictures) + 1);
    try
      set (0, "currentfigure", each);
      drawnow ("pngcairo enhanced background rgb \"#ffffff\"", picture);
      pictures{end+1} = picture;
    catch failure
      fprintf (stderr, "a figure could not be drawn: %s\n", failure.message);
    end_try_catch
  endfor
  delete (figures);
endfunction
