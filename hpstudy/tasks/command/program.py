"""Running a program in a process group of its own, line by line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

GUARD = 'read -r _ || kill -KILL "-$0"'
"""Run by sh with the number of a process group: ends the group when its standard input is closed, and does nothing when it reads a line.
So the program ends with this process, however this process ends."""

LINE_CHARACTERS = 1_000_000
"""A longer line is cut into several: a program that prints no line ends must not fill the memory."""

READ_S = 5.0
"""How long to read on after the program has ended. Only a process that has left its group can hold its output open."""


class TakeLine(Protocol):
    """Takes what a program prints."""

    def __call__(self, line: str, *, is_error: bool) -> object:
        """Take a line without its end, from standard error or from standard output."""


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], take_line: TakeLine, *, together: bool = False
) -> int:
    """Run a program to its end. Then, or when this call is interrupted, all processes of its group are ended.

    What it prints is repeated on this process's standard error.

    Args:
        arguments: the program and its arguments.
        folder: its working directory.
        environment: its environment.
        take_line: called with one line at a time, from other threads.
        together: hand over standard error as standard output, so that lines come in the order in which they were printed.

    Returns:
        Its exit code; minus the signal that ended it.

    Raises:
        OSError: the program cannot be started.
    """
    program = subprocess.Popen(
        arguments,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    guard = subprocess.Popen(["/bin/sh", "-c", GUARD, str(program.pid)], stdin=subprocess.PIPE, start_new_session=True)
    lock = threading.Lock()
    streams = [(stream, stream is program.stderr) for stream in (program.stdout, program.stderr) if stream is not None]
    errors: list[Exception] = []
    readers = [threading.Thread(target=_read, args=(*stream, take_line, lock, errors), daemon=True) for stream in streams]
    try:
        for reader in readers:
            reader.start()
        # Not reaped yet, so that its number is not that of another process group.
        os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, signal.SIGKILL)
        code = program.wait()
        guard.communicate(b"\n")
        for reader in readers:
            reader.join(READ_S)
    if errors:
        raise errors[0]
    return code


def _read(stream: IO[str], is_error: bool, take_line: TakeLine, lock: threading.Lock, errors: list[Exception]) -> None:
    """Read to the end, also after an error: a program whose output nobody reads would block."""
    with stream:
        for text in iter(lambda: stream.readline(LINE_CHARACTERS), ""):
            with lock:
                try:
                    print(text, end="", file=sys.stderr, flush=True)
                    take_line(text.rstrip("\n"), is_error=is_error)
                except Exception as error:  # raised again in the thread that runs the program
                    errors.append(error)
