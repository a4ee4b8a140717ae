"""Writes the pages that are computed, into docs/generated, before Sphinx reads the pages."""

from pathlib import Path
from typing import Any

import command_line


def write(path: Path, text: str) -> None:
    """Write a page if its text is new: Sphinx reads again what has a new time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def generate(app: Any) -> None:
    """Write all generated pages."""
    folder = Path(app.srcdir) / "generated"
    write(folder / "command-line.md", command_line.page())


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
