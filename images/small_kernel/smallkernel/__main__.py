"""A Jupyter kernel for a language that its description tells all of: `python smallkernel LANGUAGE.json CONNECTION_FILE`.

It needs pyzmq and nothing else. `wire` knows Jupyter's messages and sockets, `kernel` answers requests, and `compiled`
makes and runs programs. Languages that keep something between cells bring code of their own, as Bash does.
"""

import sys

from compiled import Compiled, Description
from kernel import Kernel
from wire import Wire

if __name__ == "__main__":
    language, connection = sys.argv[1:]
    Kernel(Wire.from_file(connection), Compiled(Description.from_file(language))).serve()
