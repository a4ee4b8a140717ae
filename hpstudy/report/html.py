"""A report as one web page: a single file without network access.

Every figure is included as a static drawing, which the interactive figure replaces if scripts run. User texts are always escaped. The
content security policy allows only two scripts, identified by their hashes: plotly and the script of the page.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from hpstudy.report.charts.model import Chart
from hpstudy.report.document import Document
from hpstudy.report.interactive import embedded, legend_and_places, plotly_script, resource, text
from hpstudy.report.model import Block, Code, Facts, Paragraph, References, Section, Table
from hpstudy.report.pdf import figure_bytes, files_of
from hpstudy.report.pens import matplotlib, plotly


def compile_html(document: Document) -> bytes:
    """The report as a page in UTF-8. The same document gives the same bytes. Call it within `style.applied()`."""
    page = _Page(document)
    body = page.body()
    page_script = resource("figures.js") + resource("page.js")
    scripts = [plotly_script(), page_script] if page.figures else [page_script]
    sources = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
        "form-action 'none'"
    )
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(document.name)}: report</title>\n<style>\n{resource('page.css')}</style>\n</head>\n"
    )
    tail = "".join(f"<script>{script}</script>\n" for script in scripts)
    return f"{head}<body>\n{body}{tail}</body>\n</html>\n".encode()


@dataclass
class _Page:
    """The state of a page during writing.

    Attributes:
        document: the document.
        figures, tables: numbers of figures and tables so far.
        anchors: section anchors so far.
    """

    document: Document
    figures: int = 0
    tables: int = 0
    anchors: list[str] = field(default_factory=list)

    def body(self) -> str:
        """The body of the page. The answer comes before the table of contents."""
        document = self.document
        sections = [self._section(section) for section in document.sections]
        answered = [section.title for section in document.sections].index("Answer") + 1
        parts = [
            '<a class="skip" href="#report">Skip to the report</a>\n',
            f"<header>\n<h1>{text(document.name)}</h1>\n",
            f'<p class="question">{text(document.question)}</p>\n' if document.question else "",
            f'<p class="design">{text(document.design)}</p>\n',
            f'<p class="provisional" role="note"><strong>PROVISIONAL.</strong> {text(document.provisional)}</p>\n'
            if document.provisional
            else "",
            "</header>\n",
            '<main id="report" tabindex="-1">\n',
            *sections[:answered],
            self._contents(),
            *sections[answered:],
            "</main>\n",
        ]
        return "".join(parts)

    def _contents(self) -> str:
        items = "".join(
            f'<li class="level-{section.level}"><a href="#{anchor}">{text(section.title)}</a></li>\n'
            for section, anchor in zip(self.document.sections, self.anchors, strict=True)
        )
        return f'<nav aria-label="Contents">\n<p class="nav-title">Contents</p>\n<ul>\n{items}</ul>\n</nav>\n'

    def _section(self, section: Section) -> str:
        anchor, level = self._anchor(section.title), min(section.level, 5) + 1
        blocks = "".join(self._block(block) for block in section.blocks)
        return f'<section aria-labelledby="{anchor}">\n<h{level} id="{anchor}">{text(section.title)}</h{level}>\n{blocks}</section>\n'

    def _anchor(self, title: str) -> str:
        """A unique anchor for a section: the letters of its title, and a number if that anchor exists."""
        base = "section-" + (re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "untitled")
        anchor, number = base, 1
        while anchor in self.anchors:
            number += 1
            anchor = f"{base}-{number}"
        self.anchors.append(anchor)
        return anchor

    def _block(self, block: Block) -> str:
        match block:
            case Paragraph():
                return f"<p{_ANSWER if block.strong else ''}>{text(block.text)}</p>\n"
            case Table():
                return self._table(block)
            case Chart():
                return self._figure(block)
            case Facts():
                rows = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>\n" for name, value in block.rows)
                return f"<dl>\n{rows}</dl>\n"
            case References():
                return '<ul class="references">\n' + "".join(f"<li>{text(item)}</li>\n" for item in block.items) + "</ul>\n"
            case Code():
                return f'<pre tabindex="0"><code>{text(block.text)}</code></pre>\n'

    def _table(self, table: Table) -> str:
        self.tables += 1
        name = f"table-{self.tables}"
        head = "".join(
            f'<th scope="col"{"" if at < table.left else _NUMBER}>{text(cell)}</th>' for at, cell in enumerate(table.head)
        )
        rows = "".join(f"<tr>{''.join(_cells(row, table.left))}</tr>\n" for row in table.rows)
        note = f'<p class="note">{text(table.note)}</p>\n' if table.note else ""
        return (
            f'<div class="table" role="region" aria-labelledby="{name}" tabindex="0">\n<table>\n'
            f'<caption id="{name}"><b>Table {self.tables}.</b> {text(table.caption)}</caption>\n'
            f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n{note}"
        )

    def _figure(self, chart: Chart) -> str:
        self.figures += 1
        name = f"figure-{self.figures}"
        drawing = figure_bytes(matplotlib.figure(chart), "svg", dpi=150).decode().replace("\n", " ")
        still = quote(drawing, safe=" =:/,;+*'")  # percent-encoding adds a few characters, base64 a third
        note = f' <span class="live-only">{text(chart.page_note)}</span>' if chart.page_note else ""
        return (
            f'<figure id="{name}" data-name="{text(chart.name)}" class="interactive">\n'
            f"{legend_and_places(chart, name)}"
            f'<script type="application/json" id="{name}-data">{embedded({"panels": plotly.panels(chart)})}</script>\n'
            f'<img class="still" src="data:image/svg+xml,{still}" alt="{text(chart.caption)}">\n'
            f"<figcaption><b>Figure {self.figures}.</b> {text(chart.caption)} {text(chart.reading)}{note} "
            f'<span class="data">Data: {text(files_of(chart))}.</span></figcaption>\n</figure>\n'
        )


_NUMBER = ' class="number"'
_ANSWER = ' class="answer"'


def _cells(row: tuple[str, ...], left: int) -> Iterator[str]:
    for at, cell in enumerate(row):
        if at == 0 and left:
            yield f'<th scope="row">{text(cell)}</th>'
        else:
            yield f"<td{'' if at < left else _NUMBER}>{text(cell)}</td>"
