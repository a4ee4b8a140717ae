"""Paths that mean the same folder on every host that runs the steps of a study.

A path below HPSTUDY_ROOT is given to a step relative to it, and each host looks below its own HPSTUDY_ROOT. Without that variable a
step gets absolute paths, which must then lead to the same folders on every host.
"""

from __future__ import annotations

import os
from pathlib import Path

from hpstudy.errors import UsageError

ROOT_VARIABLE = "HPSTUDY_ROOT"
"""Environment variable of each host: the folder that holds studies and databases, absolute."""


def is_rooted() -> bool:
    """Whether this host has a HPSTUDY_ROOT."""
    return bool(os.environ.get(ROOT_VARIABLE))


def portable(path: str | Path) -> str:
    """An absolute path of this host as other hosts understand it."""
    root = os.environ.get(ROOT_VARIABLE)
    if root and Path(path).is_relative_to(root):
        return Path(path).relative_to(root).as_posix()
    return str(path)


def folder_here(path: str | None) -> str | None:
    """`on_this_host` of a folder that a study may not have."""
    return None if path is None else str(on_this_host(path))


def on_this_host(path: str | Path) -> Path:
    """The absolute path on this host for one that `portable` gave, here or elsewhere.

    Raises:
        UsageError: it is relative to a HPSTUDY_ROOT, and this host has none.
    """
    if Path(path).is_absolute():
        return Path(path)
    if root := os.environ.get(ROOT_VARIABLE):
        return Path(root, path)
    raise UsageError(
        f"{ROOT_VARIABLE} is not set where the step runs, and {path} is relative to it",
        f"set {ROOT_VARIABLE} on every host, to the folder that holds the studies there",
    )
