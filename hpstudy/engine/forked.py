"""Ends the processes that a user's code forks when they leave this code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def ending_forks() -> Iterator[None]:
    """End a process that the body forked when it leaves the body, as if its program ended there.

    Otherwise it would continue the step in parallel: it would answer instead of this process, or write to the database.
    """
    process = os.getpid()
    code = 0
    try:
        yield
    except BaseException as error:
        if os.getpid() == process:
            raise
        code = _exit_code(error)
    if os.getpid() != process:
        flush_streams()
        os._exit(code)


def _exit_code(error: BaseException) -> int:
    """The exit code of a program that ends with an exception, which is printed."""
    if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
        return (error.code or 0) & 0xFF
    if isinstance(error, SystemExit):
        print(error.code, file=sys.stderr)
    else:
        traceback.print_exception(error)
    return 1


def flush_streams() -> None:
    """Flush standard output and error. User code may have closed or replaced them."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):
            stream.flush()  # type: ignore[union-attr]  # None if user code removed it
