"""`python -m hpstudy` runs the `hpstudy` command."""

import os
import sys
from contextlib import suppress
from pathlib import Path

if __name__ == "__main__":
    # Unlike the installed script, `python -m` puts the current folder first on sys.path, so that a file such as numpy.py would replace
    # a library. The folder is kept only if hpstudy itself is imported from it. A deleted current folder is not on sys.path.
    with suppress(FileNotFoundError):
        if not sys.flags.safe_path and sys.path[0] == os.getcwd() != str(Path(__file__).parents[1]):  # noqa: PTH109  # sys.path's form
            del sys.path[0]

    from hpstudy.cli import main

    main()
