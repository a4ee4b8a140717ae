"""Interactive figures as HTML and scripts, shared by the report's page and the live page."""

from __future__ import annotations

import json
import re
from html import escape
from importlib import resources
from typing import Any

from hpstudy.report.charts.model import Chart, Entry
from hpstudy.report.pens import plotly

_SWATCHES = {
    "circle": '<circle cx="16" cy="7" r="4"/>',
    "square": '<path d="M12 3h8v8h-8z"/>',
    "triangle-up": '<path d="M16 2l5 9h-10z"/>',
    "diamond": '<path d="M16 1l5 6-5 6-5-6z"/>',
    "triangle-down": '<path d="M16 12l5-9h-10z"/>',
    "cross": '<path d="M14 2h4v3h3v4h-3v3h-4v-3h-3v-4h3z"/>',
    "x": '<path d="M12 1l4 4 4-4 2 2-4 4 4 4-2 2-4-4-4 4-2-2 4-4-4-4z"/>',
}
"""SVG paths of plotly's markers in a legend symbol of 32 x 14."""

_STROKES = {"solid": "", "dash": "7 3", "dashdot": "8 3 2 3", "dot": "2 3"}


def text(raw: str) -> str:
    """Escape text for HTML content and attributes; characters that cannot be shown are replaced."""
    printable = "".join(letter if letter in "\n\t\u200b\u00a0" or letter.isprintable() else "\ufffd" for letter in raw)
    return escape(printable, quote=True)


def embedded(value: Any) -> str:
    """A value as JSON for a script element, escaped so that it cannot end the element."""
    written = json.dumps(plotly.plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        written = written.replace(letter, f"\\u{ord(letter):04x}")
    return written


def resource(name: str) -> str:
    """Read a script or style sheet of this package."""
    return resources.files("hpstudy.report").joinpath(name).read_text(encoding="utf-8")


def plotly_script() -> str:
    """The plotly script, from the installed package."""
    from plotly.offline import get_plotlyjs

    # An HTML parser converts every line end to \n before it hashes a script.
    script = str(get_plotlyjs()).replace("\r\n", "\n").replace("\r", "\n")
    assert not re.search(r"</script|<!--|\0", script, re.IGNORECASE), "the script of plotly would end its element"
    return script


def legend_and_places(chart: Chart, name: str) -> str:
    """The legend of an interactive figure and placeholders of its panels; hidden until a script fills them.

    Args:
        chart: the figure.
        name: id of its element; panel 1 is `NAME-panel-1`.
    """
    entries = "".join(_entry(index, entry) for index, entry in enumerate(chart.legend) if entry.media != "print")
    places = "".join(f'<div class="panel" id="{name}-panel-{index + 1}"></div>\n' for index in range(len(chart.shown("page"))))
    return (
        f'<div class="live" role="group" aria-label="{text(chart.caption)}" hidden>\n'
        f'<ul class="legend" aria-label="Show or hide">\n{entries}'
        '<li><button type="button" class="reset">Reset zoom</button></li>\n</ul>\n'
        f'<div class="panels">\n{places}</div>\n</div>\n'
    )


def _entry(index: int, entry: Entry) -> str:
    dashes = f' stroke-dasharray="{_STROKES[entry.dash]}"' if _STROKES.get(entry.dash) else ""
    line = f'<path d="M1 7h30" fill="none" stroke="currentColor" stroke-width="2.5"{dashes}/>' if entry.dash else ""
    blank = "" if entry.dash or entry.symbol else f'<path d="M4 2h24v10h-24z" opacity="{entry.alpha:g}"/>'
    swatch = f"{line}{_SWATCHES.get(entry.symbol, '')}{blank}"
    return (
        f'<li><button type="button" class="entry" aria-pressed="true" data-group="{index}" data-color="{entry.color}">'
        f'<svg viewBox="0 0 32 14" width="32" height="14" fill="currentColor" aria-hidden="true">{swatch}</svg>'
        f"{text(entry.name)}</button></li>\n"
    )
