"""Lists the resources of this process that a fork would share or lose, to check that a fork is a clean copy (Linux)."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

CAN_FORK = sys.platform == "linux" and Path("/proc/self/task").is_dir()
"""Other systems cannot show whether a fork would be a clean copy; on macOS the system's libraries do not support forking."""

STATELESS = frozenset({"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"})
"""Devices without a file position that processes could share."""

Resources = frozenset[tuple[str, str]]
"""Resources of a process: (identity within the process, description)."""


def resources() -> Resources:
    """The threads, descriptors, shared memory and child processes of this process.

    Descriptors that only append, such as log files, are excluded: writing in one process does not move the position in another.
    """
    return frozenset({*_threads(), *_descriptors(), *_shared_memory(), *_children()})


def _threads() -> Iterator[tuple[str, str]]:
    for thread in Path("/proc/self/task").iterdir():
        yield f"thread {thread.name}", "a running thread"


def _descriptors() -> Iterator[tuple[str, str]]:
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
            flags = fcntl.fcntl(int(entry.name), fcntl.F_GETFL)
        except OSError:  # the descriptor of the listing itself
            continue
        only_appends = flags & os.O_APPEND and flags & os.O_ACCMODE == os.O_WRONLY
        if target not in STATELESS and not only_appends:
            yield (
                f"descriptor {entry.name} {target}",
                f"an open file ({target})" if target.startswith("/") else f"an open {target}",
            )


def _shared_memory() -> Iterator[tuple[str, str]]:
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, mode, *_, target = line.split(maxsplit=5)
        if mode[1] == "w" and mode[3] == "s":
            yield f"memory {addresses}", f"shared memory ({target})"


def _children() -> Iterator[tuple[str, str]]:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return
    yield "child", "a child process"
