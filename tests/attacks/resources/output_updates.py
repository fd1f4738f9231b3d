# attack: one picture, replaced for ever
# stopped by: the output limit, or the deadline
# expect: output_limit, timeout
# timeout: 5
# within: 30
from IPython.display import HTML, display

shown = display(HTML("0"), display_id=True)
while True:
    shown.update(HTML("x" * 10_000))
