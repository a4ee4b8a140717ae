"""Paths that refer to the same folder on every host that runs steps of a study.

A path below HPSTUDY_ROOT is passed to a step relative to it, and each host resolves it below its own HPSTUDY_ROOT. Without that variable
a step receives absolute paths, which must refer to the same folders on every host.
"""

from __future__ import annotations

import os
from pathlib import Path

from hpstudy.errors import UsageError

ROOT_VARIABLE = "HPSTUDY_ROOT"
"""Environment variable of each host: absolute path of the folder with studies and databases."""


def is_rooted() -> bool:
    """Whether HPSTUDY_ROOT is set on this host."""
    return bool(os.environ.get(ROOT_VARIABLE))


def portable(path: str | Path) -> str:
    """An absolute path of this host in the form that other hosts can resolve."""
    root = os.environ.get(ROOT_VARIABLE)
    if root and Path(path).is_relative_to(root):
        return Path(path).relative_to(root).as_posix()
    return str(path)


def folder_here(path: str | None) -> str | None:
    """`on_this_host` for an optional folder."""
    return None if path is None else str(on_this_host(path))


def on_this_host(path: str | Path) -> Path:
    """The absolute path on this host for a path from `portable`, called on any host.

    Raises:
        UsageError: it is relative to HPSTUDY_ROOT, which is not set on this host.
    """
    if Path(path).is_absolute():
        return Path(path)
    if root := os.environ.get(ROOT_VARIABLE):
        return Path(root, path)
    raise UsageError(
        f"{ROOT_VARIABLE} is not set where the step runs, and {path} is relative to it",
        f"set {ROOT_VARIABLE} on every host, to the folder that holds the studies there",
    )
