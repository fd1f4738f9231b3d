# attack: pictures without end
# stopped by: the output limit, which counts encoded data
# expect: output_limit
from IPython.display import HTML, display

while True:
    display(HTML("<b>" + "x" * 100_000 + "</b>"))
