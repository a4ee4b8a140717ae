"""Reports in a test: the document of results, its answers, its PDF."""

from __future__ import annotations

import json

from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.charts.model import Chart
from hpstudy.report.document import Document, document
from hpstudy.report.model import Paragraph, Section, Table
from hpstudy.report.pdf import compile_pdf, typesetter
from hpstudy.report.pens import matplotlib as pen


def document_of(results: Results) -> Document:
    """The report of results."""
    with style.applied():
        return document(results)


def pdf_of(results: Results) -> bytes:
    """The report of results as a PDF."""
    with style.applied():
        return compile_pdf(document(results))


def ends_of(results: Results) -> dict[str, tuple[int, float]]:
    """`ends` of the report of results."""
    with style.applied():
        return ends(document(results))


def ends(made: Document) -> dict[str, tuple[int, float]]:
    """Where the last paragraph of each section of a PDF ends: its page, and the height in points from the top of the page."""
    with style.applied(), typesetter(made) as compiler:
        found = json.loads(compiler.query("<end>", field="value"))
    return {title: (page, height) for title, page, height in found}


def drawings_of(results: Results) -> dict[str, Chart]:
    """The figures of a report by name, each drawn once, so that a figure that cannot be drawn fails here."""
    with style.applied():
        found = {chart.name: chart for chart in document(results).charts}
        for chart in found.values():
            pen.figure(chart).draw_without_rendering()
    return found


def section_of(results: Results, title: str) -> Section:
    """A section of a report. Raises StopIteration when there is none of that title."""
    return next(section for section in document_of(results).sections if section.title == title)


def answers_of(results: Results) -> list[str]:
    """The sentences of the answer."""
    return [block.text for block in section_of(results, "Answer").blocks if isinstance(block, Paragraph) and block.strong]


def evidence_of(results: Results) -> list[str]:
    """What stands behind the sentences of the answer."""
    return [block.text for block in section_of(results, "Answer").blocks if isinstance(block, Paragraph) and not block.strong]


def tables_of(results: Results) -> list[Table]:
    """All tables of a report."""
    return [block for section in document_of(results).sections for block in section.blocks if isinstance(block, Table)]
