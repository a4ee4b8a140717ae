"""`python -m hpstudy` is the `hpstudy` command."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Unlike the installed script, `python -m` puts the current folder first on sys.path, where a file such as numpy.py would replace
    # a library. It stays only if hpstudy itself is run from it.
    if not sys.flags.safe_path and sys.path[0] == os.getcwd() != str(Path(__file__).parents[1]):  # noqa: PTH109  # sys.path's form
        del sys.path[0]

    from hpstudy.cli import main

    main()
