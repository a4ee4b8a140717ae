"""The marks of a chart as artists of matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from matplotlib.transforms import ScaledTranslation

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.report import style
from hpstudy.report.charts.marks import Band, Bars, Dots, Heat, Labels, Line, Mark, Marker, Rule, Steps
from hpstudy.report.charts.model import Chart, ColorScale

DASHES: dict[str, Any] = {"solid": "-", "dash": (0, (4, 1.5)), "dashdot": (0, (5, 1.5, 1, 1.5)), "dot": (0, (1, 1)), "": "none"}
SYMBOLS = {
    "circle": "o",
    "square": "s",
    "triangle-up": "^",
    "diamond": "D",
    "triangle-down": "v",
    "cross": "P",
    "x": "X",
    "star": "*",
    "tick-up": "|",
    "tick-across": "_",
    "": "none",
}
CROSSED = style.gray(0.6)
"""Color of the crosses in cells without a value."""


def draw(axes: Axes, chart: Chart, mark: Mark) -> Sequence[Artist]:
    """Draw a mark."""
    return _KINDS[type(mark)](axes, chart, mark)


def literal(text: str) -> str:
    """A text of a chart, escaped so that matplotlib draws it literally."""
    return style.plain(text, getattr(text, "instead", ""))


def colors(scale: ColorScale | None) -> dict[str, Any]:
    """Color map and normalization of the chart's color scale."""
    assert scale is not None, "values need a scale"
    return {"cmap": "viridis_r" if scale.reverse else "viridis", "norm": mpl.colors.Normalize(scale.low, scale.high)}


def _marker(marker: Marker | None, color: str) -> dict[str, Any]:
    """A marker as properties of a matplotlib line."""
    if marker is None:
        return {"marker": "none"}
    edge = marker.edge or (color if marker.fill != "color" or marker.symbol.startswith("tick") else "none")
    return {
        "marker": SYMBOLS[marker.symbol],
        "markersize": marker.size,
        "markerfacecolor": {"color": color, "paper": style.PAPER, "none": "none"}[marker.fill],
        "markeredgecolor": edge,
        "markeredgewidth": 0.0 if edge == "none" else marker.edge_width,
    }


def _line(axes: Axes, _: Chart, line: Any) -> Sequence[Artist]:
    stepped = isinstance(line, Steps)
    finite = np.isfinite(line.x) & np.isfinite(line.y)
    if line.marker is not None or (finite.all() and not stepped):
        return axes.plot(
            line.x,
            line.y,
            color=line.color,
            linewidth=line.width,
            linestyle=DASHES[line.dash] if line.width else "none",
            alpha=line.alpha,
            drawstyle="steps-post" if stepped else "default",
            markevery=line.every,
            **_marker(line.marker, line.color),
        )
    strokes = [_corners(stroke) if stepped else stroke for stroke in _strokes(line.x, line.y, finite)]
    looks = {"colors": line.color, "linewidths": line.width, "linestyles": DASHES[line.dash], "alpha": line.alpha}
    return [axes.add_collection(LineCollection(strokes, **looks), autolim=False)]


def _strokes(x: Floats, y: Floats, finite: Bools) -> list[Floats]:
    """(points x 2) coordinates of each unbroken part of a line; `finite` is (points,)."""
    edges = np.flatnonzero(np.diff(np.r_[False, finite, False]))
    return [np.stack([x[start:end], y[start:end]], axis=1) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _corners(stroke: Floats) -> Floats:
    """(corners x 2) coordinates of the steps through the points, without points that do not change the line."""
    changes = np.flatnonzero(np.diff(stroke[:, 1])) + 1
    x = np.r_[stroke[0, 0], np.repeat(stroke[changes, 0], 2), stroke[-1, 0]]
    y = np.r_[stroke[0, 1], np.stack([stroke[changes - 1, 1], stroke[changes, 1]], axis=1).ravel(), stroke[-1, 1]]
    return np.stack([x, y], axis=1)


def _band(axes: Axes, _: Chart, band: Any) -> Sequence[Artist]:
    step: dict[str, Any] = {"step": "post"} if band.stepped else {}
    return [axes.fill_between(band.x, band.low, band.high, color=band.color, alpha=band.alpha, linewidth=0, **step)]


def _dots(axes: Axes, chart: Chart, dots: Any) -> Sequence[Artist]:
    if dots.values is not None:
        looks = {"s": dots.marker.size**2, "marker": SYMBOLS[dots.marker.symbol], "linewidths": 0, "alpha": dots.alpha}
        return [axes.scatter(dots.x, dots.y, c=dots.values, **looks, **colors(chart.scale))]
    artists = axes.plot(
        dots.x, dots.y, linestyle="none", alpha=dots.alpha, clip_on=dots.clipped, **_marker(dots.marker, dots.color)
    )
    for artist in artists:
        # Otherwise the layout would reserve space for a marker beyond the edge of a small panel.
        artist.set_in_layout(dots.clipped)
    return artists


def _rule(axes: Axes, _: Chart, rule: Any) -> Sequence[Artist]:
    draw = axes.axhline if rule.axis == "y" else axes.axvline
    return [draw(rule.at, color=rule.color, linewidth=rule.width, linestyle=DASHES[rule.dash])]


def _bars(axes: Axes, _: Chart, bars: Any) -> Sequence[Artist]:
    looks = (
        {"fill": False, "edgecolor": bars.color, "linewidth": bars.frame}
        if bars.frame
        else {"facecolor": bars.color, "edgecolor": "none", "linewidth": 0}
    )
    sides = zip(*(side.tolist() for side in (bars.left, bars.right, bars.bottom, bars.top)), strict=True)
    return [
        axes.add_patch(Rectangle((left, bottom), right - left, top - bottom, alpha=bars.alpha, **looks))
        for left, right, bottom, top in sides
        if np.isfinite(top - bottom + right - left)
    ]


def _heat(axes: Axes, chart: Chart, heat: Any) -> Sequence[Artist]:
    x, y, scale = heat.x_edges, heat.y_edges, colors(chart.scale)
    edges: dict[str, Any] = {"edgecolors": "white"} if heat.parted else {}
    artists: list[Artist] = [axes.pcolormesh(x, y, heat.values, **scale, **edges)]
    for row, column in np.argwhere(np.isnan(heat.values) & heat.parted).tolist():
        corner, size = (x[column], y[row]), (x[column + 1] - x[column], y[row + 1] - y[row])
        artists.append(axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=CROSSED, hatch="xx", linewidth=0)))
    shades = ScalarMappable(**scale).to_rgba(heat.values)  # (rows x columns x 4)
    luminance = shades[..., :3] @ [0.299, 0.587, 0.114]
    for row, texts in enumerate(heat.written):
        for column, text in enumerate(texts):
            ink = style.PAPER if luminance[row, column] < 0.5 else style.INK
            center = (float(x[column] + x[column + 1]) / 2, float(y[row] + y[row + 1]) / 2)
            artists.append(axes.text(*center, literal(text), ha="center", va="center", fontsize=7, color=ink))
    return artists


def _labels(axes: Axes, _: Chart, labels: Any) -> Sequence[Artist]:
    artists: list[Artist] = []
    base = axes.transAxes if labels.frame == "panel" else axes.transData
    shift = ScaledTranslation(labels.shift[0] / 72, labels.shift[1] / 72, axes.figure.dpi_scale_trans)
    for x, y, text in zip(labels.x.tolist(), labels.y.tolist(), labels.texts, strict=True):
        written = axes.text(
            x,
            y,
            literal(text),
            transform=base + shift,
            ha=labels.align,
            va={"top": "top", "middle": "center", "bottom": "bottom"}[labels.anchor],
            fontsize=labels.size,
            color=labels.color,
            style="italic" if labels.italic else "normal",
        )
        if labels.boxed:
            written.set_bbox({"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.6})
        artists.append(written)
    return artists


_KINDS: dict[type[Mark], Callable[[Axes, Chart, Any], Sequence[Artist]]] = {
    Line: _line,
    Steps: _line,
    Band: _band,
    Dots: _dots,
    Rule: _rule,
    Bars: _bars,
    Heat: _heat,
    Labels: _labels,
}
