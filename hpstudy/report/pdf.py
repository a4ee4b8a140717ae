"""A report as a PDF.

The typesetter reads the document as data from a JSON file, never as markup, so user text cannot contain markup.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from hpstudy.display import visible
from hpstudy.errors import OutputError
from hpstudy.report import style
from hpstudy.report.charts.model import Chart
from hpstudy.report.document import Document
from hpstudy.report.model import Block
from hpstudy.report.pens import matplotlib as pen

if TYPE_CHECKING:
    import typst

_TOGETHER = re.compile(r"(?<=%) (?=CI)|(?<=[≥≤<=]) (?=[\d−])|(?<=\w) (?=[≥≤<=] )")
"""Non-breaking spaces: "95% CI", "p < 0.001"."""

OUTLINES = 3
"""Font type in the figures of a report: glyphs as outlines. TrueType subsets, which single figures have, would take most of the time."""

POINTS_PER_INCH = 72
"""Of a PDF."""

LONG_WORD = 24
"""Number of characters above which a word may break, so that a path or a hash stays within its column."""

_PARTS = re.compile(r"(?<=[/_.])(?=[^/_.])")
"""Where a long word breaks, if its parts are not long themselves."""


def compile_pdf(document: Document) -> bytes:
    """The report as a PDF without a date: the same document gives the same bytes. Call it within `style.applied()`.

    Raises:
        OutputError: the system's temporary folder is not writable.
    """
    with typesetter(document) as compiler:
        pdf = compiler.compile(format="pdf", timestamp=0)
    assert isinstance(pdf, bytes)
    return pdf


@contextmanager
def typesetter(document: Document) -> Iterator[typst.Compiler]:
    """A compiler of the report, with its figures and texts in a temporary folder. Errors as `compile_pdf`."""
    import typst

    try:
        with tempfile.TemporaryDirectory(prefix="hpstudy-report-") as folder:
            root = Path(folder)
            with rc_context({"pdf.fonttype": OUTLINES}):
                for index, chart in enumerate(document.charts):
                    if not chart.page_only:
                        (root / f"{index}.pdf").write_bytes(figure_bytes(pen.figure(chart), "pdf"))
            (root / "content.json").write_text(json.dumps(clean(content(document)), ensure_ascii=False), encoding="utf-8")
            template = resources.files("hpstudy.report").joinpath("template.typ").read_text(encoding="utf-8")
            (root / "report.typ").write_text(template, encoding="utf-8")
            # DejaVu Sans is included in matplotlib and is the fallback for characters that the text font lacks.
            fonts = [str(Path(style.font_path()).parent)]
            yield typst.Compiler(str(root / "report.typ"), root=str(root), font_paths=fonts)
    except OSError as error:
        raise OutputError(
            f"{tempfile.gettempdir()} cannot be written: {error.strerror or error}", "free disk space, or set TMPDIR"
        ) from error


def files_of(chart: Chart) -> str:
    """Names of the CSV files of a figure, as a list in a sentence."""
    return ", ".join(f"{data.name}.csv" for data in chart.data)


def figure_bytes(figure: Figure, form: str, dpi: int = 200) -> bytes:
    """A figure in the format pdf, svg or png, without dates or program versions."""
    metadata: dict[str, dict[str, Any]] = {
        "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": None},
    }
    if form == "pdf":
        _lay_out(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=dpi, metadata=metadata[form])
    return buffer.getvalue()


def _lay_out(figure: Figure) -> None:
    """Lay out a figure for a PDF. `savefig` does this by drawing everything once more, which takes a quarter of its time."""
    engine = figure.get_layout_engine()
    if engine is not None:
        FigureCanvasPdf(figure)
        figure.dpi = POINTS_PER_INCH
        engine.execute(figure)
        figure.set_layout_engine(None)


def content(document: Document) -> dict[str, Any]:
    """The document as JSON-compatible values; figures are files named by their index in the report."""
    indices = {chart.name: index for index, chart in enumerate(document.charts)}
    return {
        "name": document.name,
        "question": document.question,
        "design": document.design,
        "provisional": document.provisional,
        "sections": [
            {
                "title": section.title,
                "level": section.level,
                "blocks": [
                    _values(block, indices) for block in section.blocks if not (isinstance(block, Chart) and block.page_only)
                ],
            }
            for section in document.sections
        ],
    }


def _values(block: Block, indices: Mapping[str, int]) -> dict[str, Any]:
    """The fields of a block by name, with its kind. The name of a figure's file is short, so that `clean` does not change it."""
    if isinstance(block, Chart):
        texts = {"caption": block.caption, "reading": block.reading, "data": files_of(block)}
        return {"kind": "figure", "file": f"{indices[block.name]}.pdf", **texts}
    return {"kind": type(block).__name__.lower(), **vars(block)}


def clean(value: Any) -> Any:
    """The content with escapes for characters that cannot be shown, and long words made breakable except in text to copy."""
    if isinstance(value, str):
        return " ".join(_breakable(word) for word in visible(_TOGETHER.sub("\u00a0", value)).split(" "))
    if isinstance(value, dict):
        if value.get("kind") == "code":
            return {key: visible(part) for key, part in value.items()}
        return {key: clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [clean(part) for part in value]
    return value


def _breakable(word: str) -> str:
    """A long word with breaks between its parts, and within parts that are long themselves."""
    if len(word) <= LONG_WORD:
        return word
    steps = ((part, 8 if len(part) > LONG_WORD else len(part)) for part in _PARTS.split(word))
    return "\u200b".join(part[start : start + step] for part, step in steps for start in range(0, len(part), step))
