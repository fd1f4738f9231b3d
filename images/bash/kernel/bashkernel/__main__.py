"""A Jupyter kernel for Bash: `python bashkernel CONNECTION_FILE`.

It needs pyzmq and nothing else, so it starts in a quarter of a second and weighs 28 MB. Three layers:

- the small kernel (images/small_kernel) knows Jupyter, and nothing of Bash;
- `shell` keeps one Bash running and runs cells in it, and knows nothing of Jupyter;
- `bash` answers each question of the one by asking the other.
"""

import sys

sys.path.append("/opt/conda/share/smallkernel")

from bash import Bash
from kernel import Kernel
from shell import Shell
from wire import Wire

if __name__ == "__main__":
    Kernel(Wire.from_file(sys.argv[1]), Bash(Shell())).serve()
