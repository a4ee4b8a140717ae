"""Pictures of the committed reports: the main figure of each, drawn from its database."""

import json
from pathlib import Path
from typing import Any

import hpstudy

DOCS = Path(__file__).parents[1]
REPORTS = DOCS.parent / "reports"
NAMES = sorted(database.stem for database in REPORTS.glob("*.sqlite") if database.with_suffix(".json").exists())
"""The committed reports that have a database."""


def report(name: str) -> Any:
    """The numbers of a committed report."""
    return json.loads((REPORTS / f"{name}.json").read_text(encoding="utf-8"))


def path(name: str) -> Path:
    """The file of a picture."""
    return DOCS / "generated/pictures" / f"{name}.png"


def draw(name: str) -> None:
    """Draw the main figure of a report, unless its picture is newer than its database."""
    database, picture, body = REPORTS / f"{name}.sqlite", path(name), report(name)
    if not picture.exists() or picture.stat().st_mtime < database.stat().st_mtime:
        picture.parent.mkdir(parents=True, exist_ok=True)
        figure = "sweep" if "sweep" in body else "confirmed" if "confirmed" in body else "best_so_far"
        hpstudy.plot_figure(database, figure, picture, dpi=110)


def markdown(name: str, docs: str) -> str:
    """A picture in Markdown, or nothing before it is drawn.

    Args:
        name: of the report.
        docs: the path to docs/ from the page.
    """
    return f"![Main figure of the report {name}]({docs}generated/pictures/{name}.png)\n" if path(name).exists() else ""
