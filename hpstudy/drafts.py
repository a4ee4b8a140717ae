"""Atomic creation of files: they are written under a temporary name first."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Provide a temporary path next to `path`. The file and its SQLite journal are removed at the end if they still exist."""
    # The name is shortened, because file names have at most 255 bytes.
    draft = path.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}.new")
    try:
        yield draft
    finally:
        for file in (draft, draft.with_name(f"{draft.name}-journal")):
            with suppress(OSError):
                file.unlink()
