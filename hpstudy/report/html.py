"""A report as one web page: a single file without network access.

Every figure is included as a static drawing, which the interactive figure replaces if scripts run. User texts are always escaped. The
content security policy allows only two scripts, identified by their hashes: plotly and the script of the page.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from markupsafe import Markup

from hpstudy.report.charts.model import Chart
from hpstudy.report.document import Document
from hpstudy.report.interactive import embedded, plotly_script, resource, templates
from hpstudy.report.pdf import figure_bytes, files_of
from hpstudy.report.pens import matplotlib, plotly


def compile_html(document: Document) -> bytes:
    """The report as a page in UTF-8. The same document gives the same bytes. Call it within `style.applied()`."""
    page_script = resource("figures.js") + resource("page.js")
    scripts = [plotly_script(), page_script] if document.charts else [page_script]
    environment = templates("hpstudy.report")
    environment.filters |= {"files_of": files_of, "kind": lambda block: type(block).__name__}
    page = environment.get_template("report.html").render(
        document=document,
        sections=list(zip(_anchors(section.title for section in document.sections), document.sections, strict=True)),
        style=Markup(resource("page.css")),
        scripts=[Markup(script) for script in scripts],
        hashes=[_hash(script) for script in scripts],
        panels=lambda chart: embedded({"panels": plotly.panels(chart)}),
        drawing=_drawing,
    )
    return page.encode()


def _anchors(titles: Iterable[str]) -> Iterator[str]:
    """A unique anchor for each section: the letters of its title, and a number if that anchor exists."""
    known = set[str]()
    for title in titles:
        base = "section-" + (re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "untitled")
        anchor, number = base, 1
        while anchor in known:
            number += 1
            anchor = f"{base}-{number}"
        known.add(anchor)
        yield anchor


def _hash(script: str) -> Markup:
    """The source of a script in a content security policy."""
    return Markup(f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'")


def _drawing(chart: Chart) -> Markup:
    """The static drawing of a figure, for a data URL."""
    svg = figure_bytes(matplotlib.figure(chart), "svg", dpi=150).decode().replace("\n", " ")
    return Markup(quote(svg, safe=" =:/,;+*'"))  # percent-encoding adds a few characters, base64 a third
