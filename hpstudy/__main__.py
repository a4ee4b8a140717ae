"""The start of the `hpstudy` command, also with `python -m hpstudy`."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Import the command line and run it. Until it is imported, Ctrl-C ends the process without a traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from hpstudy import cli

    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, before)
    cli.main()


if __name__ == "__main__":
    # Unlike the installed script, `python -m` puts the current folder first on sys.path, so that a file such as numpy.py would replace
    # a library. The folder is kept only if hpstudy itself is imported from it. A deleted current folder is not on sys.path.
    with suppress(FileNotFoundError):
        if not sys.flags.safe_path and sys.path[0] == os.getcwd() != str(Path(__file__).parents[1]):  # noqa: PTH109  # sys.path's form
            del sys.path[0]
    main()
