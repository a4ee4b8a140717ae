"""File paths in a database: relative to its folder, so that they stay valid when the project is moved or published."""

from __future__ import annotations

import os
from pathlib import Path

from hpstudy.store.values import clean_text


def to_stored(path: str | None, database: Path) -> str | None:
    """`path` relative to the folder of `database`, with slashes; absolute if it is on another drive."""
    if not path:
        return None
    try:
        return clean_text(Path(os.path.relpath(path, database.parent)).as_posix())
    except ValueError:  # another drive of Windows
        return clean_text(path)


def to_absolute(path: str | None, database: Path) -> str | None:
    """The absolute path of a stored one. Symbolic links are not resolved: the relative path was computed from unresolved names."""
    return os.path.abspath(database.parent / path) if path else None  # noqa: PTH100  # Path.resolve would follow links
