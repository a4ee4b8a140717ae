"""Runs a program in its own process group and reads its output line by line."""

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

GUARD = 'read -r group && { read -r _ || kill -KILL "-$group"; }'
"""Run by sh. It reads the id of a process group, and kills the group if its standard input is then closed before it reads another line. So
the program ends when this process ends for any reason."""

LINE_CHARACTERS = 1_000_000
"""Longer lines are split, so that a program that prints no newlines does not fill the memory."""

READ_S = 5.0
"""Seconds to continue reading after the program has ended. Only a process that left its group can keep the output open."""


class TakeLine(Protocol):
    """Receives the output of a program."""

    def __call__(self, line: str, *, is_error: bool) -> object:
        """Receive a line of standard error or standard output, without its newline."""


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], take_line: TakeLine, *, together: bool = False
) -> int:
    """Run a program until it ends. Then, or if this call is interrupted, all processes of its group are killed.

    Its output is copied to the standard error of this process.

    Args:
        arguments: the program and its arguments.
        folder: its working directory.
        environment: its environment.
        take_line: called with one line at a time, from other threads.
        together: merge standard error into standard output, so that lines arrive in the order of printing.

    Returns:
        Its exit code; minus the signal that ended it.

    Raises:
        OSError: the program cannot be started.
    """
    errors: list[Exception] = []
    with subprocess.Popen(["/bin/sh", "-c", GUARD], stdin=subprocess.PIPE, bufsize=0, start_new_session=True) as guard:
        assert guard.stdin is not None
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
        lock = threading.Lock()
        streams = [(stream, stream is program.stderr) for stream in (program.stdout, program.stderr) if stream is not None]
        readers = [threading.Thread(target=_read, args=(*stream, take_line, lock, errors), daemon=True) for stream in streams]
        try:
            for reader in readers:
                reader.start()
            guard.stdin.write(f"{program.pid}\n".encode())
            # The process is not reaped yet, so its id cannot belong to another process group.
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
    """Read to the end, even after an error: a program whose output is not read would block."""
    with stream:
        for text in iter(lambda: stream.readline(LINE_CHARACTERS), ""):
            with lock:
                try:
                    print(text, end="", file=sys.stderr, flush=True)
                    take_line(text.rstrip("\n"), is_error=is_error)
                except Exception as error:  # raised again in the thread that runs the program
                    errors.append(error)
