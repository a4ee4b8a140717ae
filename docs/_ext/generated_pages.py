"""Generates pages into docs/generated, before Sphinx reads them.

With `-D draw_pictures=0` no picture is drawn; pages show those that exist.
"""

from pathlib import Path
from typing import Any

import command_line
import pictures
import study_pages


def write(path: Path, text: str) -> None:
    """Write a file if its text has changed, because Sphinx rebuilds files with a new modification time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def generate(app: Any) -> None:
    """Draw the pictures and write the pages."""
    if app.config.draw_pictures:
        for name in pictures.NAMES:
            pictures.draw(name)
    folder = Path(app.srcdir) / "generated"
    write(folder / "command-line.md", command_line.page())
    write(folder / "gallery.md", study_pages.gallery())
    for study in study_pages.STUDIES:
        write(folder / "studies" / f"{study}.md", study_pages.page(study))


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("draw_pictures", True, "env", [bool])
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
