"""A report as one web page: all of it in a single file, which asks no network for anything.

Every figure is there as a drawing, which its interactive form replaces where scripts run.
A user's words reach the page as escaped text only, and its policy lets no script run but the two of this module, known by their
hashes: plotly's and the page's own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from typing import Any
from urllib.parse import quote

from hpstudy.report.charts.model import Chart, Entry
from hpstudy.report.document import Document
from hpstudy.report.model import Block, Code, Facts, Paragraph, References, Section, Table
from hpstudy.report.pdf import figure_bytes, files_of
from hpstudy.report.pens import matplotlib, plotly

_SWATCHES = {
    "circle": '<circle cx="16" cy="7" r="4"/>',
    "square": '<path d="M12 3h8v8h-8z"/>',
    "triangle-up": '<path d="M16 2l5 9h-10z"/>',
    "diamond": '<path d="M16 1l5 6-5 6-5-6z"/>',
    "triangle-down": '<path d="M16 12l5-9h-10z"/>',
    "cross": '<path d="M14 2h4v3h3v4h-3v3h-4v-3h-3v-4h3z"/>',
    "x": '<path d="M12 1l4 4 4-4 2 2-4 4 4 4-2 2-4-4-4 4-2-2 4-4-4-4z"/>',
}
"""Plotly's markers in a legend that is 32 wide and 14 high."""

_STROKES = {"solid": "", "dash": "7 3", "dashdot": "8 3 2 3", "dot": "2 3"}


def compile_html(document: Document) -> bytes:
    """The whole report as a page in UTF-8. The same document gives the same bytes. Call it within `style.applied()`."""
    page = _Page(document)
    body = page.body()
    scripts = [_plotly(), _resource("page.js")] if page.figures else [_resource("page.js")]
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
        f"<title>{text(document.name)}: report</title>\n<style>\n{_resource('page.css')}</style>\n</head>\n"
    )
    tail = "".join(f"<script>{script}</script>\n" for script in scripts)
    return f"{head}<body>\n{body}{tail}</body>\n</html>\n".encode()


def text(given: str) -> str:
    """Text for between tags and within quotes; letters that cannot be shown are replaced."""
    shown = "".join(letter if letter in "\n\t\u200b\u00a0" or letter.isprintable() else "\ufffd" for letter in given)
    return escape(shown, quote=True)


def embedded(value: Any) -> str:
    """A value as JSON that can stand in a script element: no letter of it ends the element."""
    written = json.dumps(plotly.plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        written = written.replace(letter, f"\\u{ord(letter):04x}")
    return written


def _resource(name: str) -> str:
    return resources.files("hpstudy.report").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    """Plotly's script, from the installed package."""
    from plotly.offline import get_plotlyjs

    # A page's parser turns every line end into \n before it hashes a script.
    script = str(get_plotlyjs()).replace("\r\n", "\n").replace("\r", "\n")
    assert not re.search(r"</script|<!--|\0", script, re.IGNORECASE), "plotly's script cannot stand in a page"
    return script


@dataclass
class _Page:
    """One page while it is written.

    Attributes:
        document: what is printed.
        figures, tables: how many there are so far.
        anchors: names that sections have so far.
    """

    document: Document
    figures: int = 0
    tables: int = 0
    anchors: list[str] = field(default_factory=list)

    def body(self) -> str:
        """All that is seen."""
        document = self.document
        sections = "".join(self._section(section) for section in document.sections)
        parts = [
            '<a class="skip" href="#report">Skip to the report</a>\n',
            f"<header>\n<h1>{text(document.name)}</h1>\n",
            f'<p class="question">{text(document.question)}</p>\n' if document.question else "",
            f'<p class="design">{text(document.design)}</p>\n',
            f'<p class="provisional" role="note"><strong>PROVISIONAL.</strong> {text(document.provisional)}</p>\n'
            if document.provisional
            else "",
            "</header>\n",
            self._contents(),
            f'<main id="report" tabindex="-1">\n{sections}</main>\n',
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
        """A name for a section that no other has: its title's letters, and a number where that is taken."""
        base = "section-" + (re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "untitled")
        anchor, number = base, 1
        while anchor in self.anchors:
            number += 1
            anchor = f"{base}-{number}"
        self.anchors.append(anchor)
        return anchor

    def _block(self, block: Block) -> str:
        printers: dict[type, Callable[[Any], str]] = {
            Paragraph: _paragraph,
            Table: self._table,
            Chart: self._figure,
            Facts: _facts,
            References: _references,
            Code: _code,
        }
        return printers[type(block)](block)

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
        still = quote(drawing, safe=" =:/,;+*'")  # a few letters more, where base64 takes a third more
        told = f' <span class="live-only">{text(chart.page_note)}</span>' if chart.page_note else ""
        return (
            f'<figure id="{name}" data-name="{text(chart.name)}" class="interactive">\n'
            f"{_living(chart, name)}"
            f'<img class="still" src="data:image/svg+xml,{still}" alt="{text(chart.caption)}">\n'
            f"<figcaption><b>Figure {self.figures}.</b> {text(chart.caption)} {text(chart.reading)}{told} "
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


def _paragraph(block: Paragraph) -> str:
    return f"<p{_ANSWER if block.strong else ''}>{text(block.text)}</p>\n"


def _facts(block: Facts) -> str:
    rows = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>\n" for name, value in block.rows)
    return f"<dl>\n{rows}</dl>\n"


def _references(block: References) -> str:
    return '<ul class="references">\n' + "".join(f"<li>{text(item)}</li>\n" for item in block.items) + "</ul>\n"


def _code(block: Code) -> str:
    return f'<pre tabindex="0"><code>{text(block.text)}</code></pre>\n'


def _living(chart: Chart, name: str) -> str:
    """Legend, places of the panels and data of an interactive figure; hidden until a script fills them."""
    panels = plotly.panels(chart)
    entries = "".join(_entry(place, entry) for place, entry in enumerate(chart.legend) if entry.media != "print")
    places = "".join(f'<div class="panel" id="{name}-panel-{place + 1}"></div>\n' for place in range(len(panels)))
    return (
        f'<div class="live" role="group" aria-label="{text(chart.caption)}" hidden>\n'
        f'<ul class="legend" aria-label="Show or hide">\n{entries}'
        '<li><button type="button" class="reset">Reset zoom</button></li>\n</ul>\n'
        f'<div class="panels">\n{places}</div>\n</div>\n'
        f'<script type="application/json" id="{name}-data">{embedded({"panels": panels})}</script>\n'
    )


def _entry(place: int, entry: Entry) -> str:
    dashes = f' stroke-dasharray="{_STROKES[entry.dash]}"' if _STROKES.get(entry.dash) else ""
    line = f'<path d="M1 7h30" fill="none" stroke="currentColor" stroke-width="2.5"{dashes}/>' if entry.dash else ""
    blank = "" if entry.dash or entry.symbol else f'<path d="M4 2h24v10h-24z" opacity="{entry.alpha:g}"/>'
    swatch = f"{line}{_SWATCHES.get(entry.symbol, '')}{blank}"
    return (
        f'<li><button type="button" class="entry" aria-pressed="true" data-group="{place}" data-colour="{entry.colour}">'
        f'<svg viewBox="0 0 32 14" width="32" height="14" fill="currentColor" aria-hidden="true">{swatch}</svg>'
        f"{text(entry.name)}</button></li>\n"
    )
