"""What an interactive figure is made of: panels of traces for plotly, and a legend whose entries can be switched off.

Traces are plain values as plotly's JSON has them. A user's words pass through `words` before they reach one: plotly reads some tags,
entities and `%{...}` in text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.labels import LONGEST, cut
from hpstudy.report.overview import many_views

Trace: TypeAlias = "dict[str, Any]"
"""One trace of plotly; its `meta` lists the legend entries it belongs to, and it is drawn while all of them are on."""

DASHES = ("solid", "dash", "dashdot", "dot")
"""Plotly's names of `style.LINES`."""

SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")
"""Plotly's names of `style.MARKERS`."""

INK = "#000000"
"""Colour of what belongs to no view; the page shows it as the colour of its text."""


@dataclass(frozen=True)
class Entry:
    """One entry of a legend.

    Attributes:
        name: as the reader sees it, not yet escaped.
        colour: as #rrggbb.
        dash: one of `DASHES`; "" for no line.
        symbol: one of `SYMBOLS`; "" for no marker.
    """

    name: str
    colour: str = INK
    dash: str = ""
    symbol: str = ""


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: above it, not yet escaped; "" for none.
        traces: drawn in order, the last on top.
        x, y: plotly's settings of the axes.
        shapes: plotly's shapes.
        annotations: plotly's annotations.
    """

    title: str
    traces: tuple[Trace, ...]
    x: Mapping[str, Any]
    y: Mapping[str, Any]
    shapes: tuple[Mapping[str, Any], ...] = ()
    annotations: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Interactive:
    """An interactive figure.

    Attributes:
        panels: side by side where the page is wide enough.
        legend: for all panels; traces name its entries by their place.
        note: what differs from the static figure; "" for nothing.
    """

    panels: tuple[Panel, ...]
    legend: tuple[Entry, ...] = ()
    note: str = ""


def words(text: str) -> str:
    """A user's words as plotly shows them letter by letter: no tag, no entity, no template."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("%{", "&#37;{")):
        shown = shown.replace(letter, entity)
    return shown


def label(results: Results, view: str) -> str:
    """The view's label, or its name where it has none; not escaped."""
    return cut(results.study.views[view].label or view, LONGEST)


def view_entries(results: Results) -> tuple[Entry, ...]:
    """The views in the order of the study, as they look in every figure."""
    return tuple(Entry(label(results, view.name), style.colour(i), dash(i), symbol(i)) for i, view in enumerate(results.views))


def one_plot(results: Results) -> str:
    """The note of a figure whose static form has panels of many views; "" for a few views, which share one plot in both forms."""
    if not many_views(results):
        return ""
    return "Here all views share one plot, without grey lines; a click on a view in the legend hides it. "


def dash(index: int) -> str:
    """Plotly's name of the line style of view number `index`."""
    return DASHES[index % len(DASHES)]


def symbol(index: int) -> str:
    """Plotly's name of the marker of view number `index`."""
    return SYMBOLS[index % len(SYMBOLS)]


def faded(colour: str, alpha: float) -> str:
    """A colour #rrggbb with an opacity from 0 to 1, as #rrggbbaa."""
    return f"{colour}{round(255 * alpha):02x}"


def plain(value: Any) -> Any:
    """The same value for JSON: arrays as lists, and null where there is no finite number."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def band(x: Sequence[float] | Floats, low: Floats, high: Floats, colour: str, groups: Sequence[int]) -> Trace:
    """An area between two lines; it is interrupted where an end is missing.

    Args:
        x: (points,) where.
        low: (points,) its lower end; NaN for none.
        high: (points,) its upper end; NaN for none.
        colour: as #rrggbbaa.
        groups: legend entries it belongs to.
    """
    place, known = np.asarray(x, dtype=np.float64), np.isfinite(low) & np.isfinite(high)
    xs: list[float] = []
    ys: list[float] = []
    edges = np.flatnonzero(np.diff(np.r_[False, known, False]))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        own = slice(start, end)
        xs += [*place[own].tolist(), *place[own][::-1].tolist(), math.nan]
        ys += [*low[own].tolist(), *high[own][::-1].tolist(), math.nan]
    return {
        "type": "scatter",
        "mode": "none",
        "fill": "toself",
        "x": xs[:-1],
        "y": ys[:-1],
        "fillcolor": colour,
        "hoverinfo": "skip",
        "meta": list(groups),
    }


def interval(low: float, high: float, level: str) -> str:
    """An interval for a hover text, on a line of its own; "" where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"<br>{level} CI {numbers.general(low, 6)} to {numbers.general(high, 6)}"


def hover(trace: Trace, texts: Sequence[str]) -> Trace:
    """The trace with a hover text at each point; what the texts hold of a user's is escaped already."""
    return {**trace, "text": list(texts), "hovertemplate": "%{text}<extra></extra>"}


def hover_points(trace: Trace, texts: Sequence[str], points: Sequence[Mapping[str, Any] | None]) -> Trace:
    """The trace with a hover text at each point, and below it a line for every hyperparameter of what was tried there.

    The names stand once in the trace, and the values once for each of its points.

    Args:
        trace: of one view.
        texts: one for each point; what they hold of a user's is escaped already.
        points: what was tried, all with the same hyperparameters; None where nothing was.
    """
    names = next((list(point) for point in points if point is not None), [])
    lines = "".join(f"<br>{words(name)} %{{customdata[{place}]}}" for place, name in enumerate(names))
    values = [[_tried((point or {}).get(name)) for name in names] for point in points]
    return {**hover(trace, texts), "customdata": values, "hovertemplate": f"%{{text}}{lines}<extra></extra>"}


def _tried(value: Any) -> str:
    return numbers.MISSING if value is None else words(numbers.hyperparameter(value))


def trial_axis(trials: int, first: int = 1) -> dict[str, Any]:
    """An axis of trials counted from 1."""
    room = 0.02 * trials + 0.2
    return {"title": {"text": "trials"}, "range": [first - room, trials + room], "tickformat": "d", "zeroline": False}
