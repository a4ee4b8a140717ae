"""Paths as a database keeps them: relative to its own folder, so that a project which is moved, or published, takes them along."""

from __future__ import annotations

import os
from pathlib import Path

from hpstudy.store.values import clean_text


def kept(path: str | None, database: Path) -> str | None:
    """`path` as it is stored in `database`: with slashes, relative to its folder; absolute where there is no way from there."""
    if not path:
        return None
    try:
        return clean_text(Path(os.path.relpath(path, database.parent)).as_posix())
    except ValueError:  # another drive of Windows
        return clean_text(path)


def found(path: str | None, database: Path) -> str | None:
    """The absolute path that `kept` stored. Links are not followed: the way back goes through the same names."""
    return os.path.abspath(database.parent / path) if path else None  # noqa: PTH100
