"""A Jupyter kernel for Octave: `python octavekernel CONNECTION_FILE`.

Three layers, as in Bash's:

- the small kernel (images/small_kernel) knows Jupyter, and nothing of Octave;
- `interpreter` keeps one Octave running and runs cells in it, and knows nothing of Jupyter;
- `octave` answers each question of the one by asking the other.

What runs inside Octave is in functions/.
"""

import sys

sys.path.append("/opt/conda/share/smallkernel")

from interpreter import Interpreter
from kernel import Kernel
from octave import Octave
from wire import Wire

if __name__ == "__main__":
    octave = Octave(Interpreter())
    kernel = Kernel(Wire.from_file(sys.argv[1]), octave)
    octave.show = kernel.show
    kernel.serve()
