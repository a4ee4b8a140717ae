"""Whether a fork of this process is a clean copy: what it has that a fork would share or lose (Linux)."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

CAN_FORK = sys.platform == "linux" and Path("/proc/self/task").is_dir()
"""Elsewhere there is no way to see whether a fork would be a clean copy; on macOS the system's libraries do not allow one."""

STATELESS = frozenset({"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"})
"""Devices without a position that processes could share."""

Held = frozenset[tuple[str, str]]
"""What a process holds: (identity within the process, in words)."""


def held() -> Held:
    """The threads, descriptors, shared memory and child processes of this process.

    Left out: descriptors that only append, such as log files, because what one process writes does not move another's position.
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
