"""Files that appear complete: they are written under another name first."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """The name of a new file beside `path` to write first; the file, and SQLite's journal of it, are removed if they are still there."""
    # Cut, since names have at most 255 bytes.
    draft = path.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}.new")
    try:
        yield draft
    finally:
        for file in (draft, draft.with_name(f"{draft.name}-journal")):
            with suppress(OSError):
                file.unlink()
