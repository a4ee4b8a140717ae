"""File paths in a database. They are relative to its folder, so that they stay valid when the project is moved or published."""

from __future__ import annotations

import os
from pathlib import Path

from hpstudy.errors import OutputError, StoreError, UsageError
from hpstudy.store.values import clean_text


def to_stored(path: str | None, database: Path) -> str | None:
    """Return `path` relative to the folder of `database`, with slashes; absolute if it is on another drive."""
    if not path:
        return None
    try:
        return clean_text(Path(os.path.relpath(path, database.parent)).as_posix())
    except ValueError:  # another drive of Windows
        return clean_text(path)


def to_absolute(path: str | None, database: Path) -> str | None:
    """Return the absolute path of a stored path. Symbolic links are not resolved, because `to_stored` does not resolve them either."""
    return os.path.abspath(database.parent / path) if path else None  # noqa: PTH100  # Path.resolve would follow links


def database_exists(path: Path) -> bool:
    """Return whether `path` exists. Raises StoreError for a name that no file can have, and in a folder that may not be read."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:  # for which Path.exists is False from Python 3.14 on
        raise StoreError(f"{path} cannot be a database: {error.strerror}", "choose another --storage") from None
    return True


def check_output(path: Path, *, force: bool) -> None:
    """Raise UsageError if `path` exists without `force`, or is not a regular file; OutputError for a name that no file can have."""
    try:
        exists, regular = path.exists(), path.is_file()
    except OSError as error:  # a name that is too long
        raise OutputError(f"{path} cannot be written: {error.strerror}", "choose another file") from None
    if exists and not regular:
        raise UsageError(f"{path} is not a regular file", "choose another file")
    if exists and not force:
        raise UsageError(f"{path} already exists", "choose another file, or use --force to replace it")
