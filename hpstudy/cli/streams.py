"""Handles failures of stdout and stderr: closed, full, or read by a program that has ended.

If stdout cannot be written, the command fails. Output to stderr that cannot be written is dropped, and the command continues.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from hpstudy.errors import OutputError


class _Stream(io.TextIOWrapper):
    """A stream over the bytes of another one. It passes errors of the system to `refused`."""

    refused: Callable[[OSError], None]

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self.refused(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self.refused(error)


def _end(error: OSError) -> None:
    """End the command, because stdout cannot be written."""
    discard(1)
    if isinstance(error, BrokenPipeError):
        # The reader stopped reading (`hpstudy trials ... | head`), which is not an error.
        sys.exit(0)
    raise OutputError(f"stdout cannot be written: {error.strerror}", "free disk space, or redirect it to another file") from error


class _Closed(io.TextIOBase):
    """Stdout that was closed before the program started (`>&-`)."""

    def write(self, text: str, /) -> int:
        raise OutputError(f"stdout cannot be written: {os.strerror(errno.EBADF)}", "it is closed: redirect it to a file")


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Replace sys.stdout and sys.stderr in the body.

    Enter it before any file is opened: the next opened file would get a closed descriptor.
    """
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(spare, True)
    os.close(spare)
    before = sys.stdout, sys.stderr
    sys.stdout = _guarded(sys.stdout, _end) if sys.stdout is not None else _Closed()
    errors = sys.stderr or io.TextIOWrapper(open(2, "wb", closefd=False), "utf-8", "backslashreplace")  # noqa: SIM115  # stays open
    sys.stderr = _guarded(errors, lambda _: discard(2), write_through=True)
    guarded = sys.stdout, sys.stderr
    try:
        yield
    finally:
        for stream in guarded:
            if isinstance(stream, _Stream):
                stream.detach()  # otherwise the interpreter's own stream would be closed with it
        sys.stdout, sys.stderr = before


def _guarded(stream: TextIO, refused: Callable[[OSError], None], *, write_through: bool = False) -> _Stream:
    assert isinstance(stream, io.TextIOWrapper), "it is the interpreter's own"
    errors = "backslashreplace" if stream.errors == "strict" else stream.errors  # for a character that the encoding does not have
    guarded = _Stream(stream.buffer, stream.encoding, errors, line_buffering=stream.line_buffering, write_through=write_through)
    guarded.refused = refused
    return guarded


def discard(descriptor: int) -> None:
    """Redirect a descriptor to the null device, including Python's output at exit."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
