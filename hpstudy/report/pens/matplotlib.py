"""A chart as a matplotlib figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis as MplAxis
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from hpstudy.analysis.arrays import Floats
from hpstudy.report import style
from hpstudy.report.charts.marks import Band, Bars, Dots, Heat, Labels, Line, Mark, Marker, Rule, Steps
from hpstudy.report.charts.model import Axis, Chart, ColourScale, Entry, Key, Panel

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
GRID = style.grey(0.9)
CROSSED = style.grey(0.6)
EDGES = 0.75
"""Approximate width in inches of the labels next to a panel."""

LETTER = 0.068
"""Width in inches of a character of a tick label."""

NUMBER = 8
"""Number of characters of a long tick number, such as -0.0025, with the gap next to it."""

TICK_ROW = 0.12
"""Height in inches of a tick label."""

NOTEBOOK_DPI = 100
"""Resolution of a figure in a notebook, in dots per inch."""


class ShownFigure(Figure):
    """A figure that a notebook displays even if pyplot is not imported."""

    def _repr_png_(self) -> bytes:
        image = BytesIO()
        with style.applied():
            self.savefig(image, format="png", dpi=NOTEBOOK_DPI)
        return image.getvalue()


def figure(chart: Chart) -> Figure:
    """Draw a chart. Call it within `style.applied()`."""
    made = ShownFigure(figsize=(style.WIDTH, chart.height), layout="constrained")
    panels = chart.shown("print")
    rows, columns = (1 + max(getattr(panel, side) for panel in panels) for side in ("row", "column"))
    ratios = {"width_ratios": chart.widths or None, "height_ratios": chart.heights or None}
    grid = made.add_gridspec(rows, columns, **ratios)
    shares = np.array(chart.widths or (1.0,) * columns)
    drawn = []
    for panel in panels:
        inches = style.WIDTH * float(shares[panel.column] / shares.sum()) - EDGES
        drawn.append(_panel(made.add_subplot(grid[panel.row, panel.column]), chart, panel, inches, chart.height / rows))
    if chart.x_label:
        made.supxlabel(_text(chart.x_label), fontsize="medium")
    if chart.y_label:
        made.supylabel(_text(chart.y_label), fontsize="medium")
    if chart.scale is not None:
        _colour_bar(made, chart.scale, drawn, rows)
    _legend(made, chart, panels, drawn)
    return made


def _text(text: str) -> str:
    """A text of a chart, escaped so that matplotlib draws it literally."""
    return style.plain(text, getattr(text, "instead", ""))


def _panel(axes: Axes, chart: Chart, panel: Panel, width: float, height: float) -> Axes:
    """Draw one panel; width and height are approximate, in inches."""
    for given, axis, scale, limits in (
        (panel.x, axes.xaxis, axes.set_xscale, axes.set_xlim),
        (panel.y, axes.yaxis, axes.set_yscale, axes.set_ylim),
    ):
        if given.log:
            scale("log")
        limits(*given.limits)
        axis.set_label_text(_text(given.label) if given.titled else "")
        if given.grid:
            axes.grid(axis="x" if axis is axes.xaxis else "y", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    _ticks(axes.xaxis, panel.x, width, upright=False)
    _ticks(axes.yaxis, panel.y, height - EDGES, upright=True)
    axes.spines["bottom"].set_visible(panel.x.line)
    axes.spines["left"].set_visible(panel.y.line)
    if panel.title and panel.titled:
        loc = {"left": "left", "center": "center"}[panel.title_align]
        axes.set_title(_text(panel.title), loc=loc, fontsize=panel.title_size)  # type: ignore[arg-type]
    marks = [mark for mark in panel.marks if mark.media in ("both", "print")]
    for order, mark in enumerate(marks):
        for artist in _MARKS[type(mark)](axes, chart, mark):
            artist.set_zorder(1 + 3 * order / len(marks))
            artist.set_rasterized(mark.raster)
            if len(mark.groups) == 1:  # identifies, in a notebook, the artists of one legend entry
                artist.set_label(_text(chart.legend[mark.groups[0]].name))
    if panel.key is not None:
        _key(axes, chart, panel.key, width + EDGES)
    return axes


def _ticks(axis: MplAxis, given: Axis, inches: float, *, upright: bool) -> None:
    if given.ticks == "none":
        axis.set_ticks([])
    elif given.ticks == "auto" and not (upright or given.log):
        axis.set_major_locator(MaxNLocator(nbins=min(9, max(2, int(inches / (NUMBER * LETTER)))), steps=[1, 2, 2.5, 5, 10]))
    elif given.ticks == "integers":
        axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))
    elif given.ticks == "decades":
        axis.set_major_locator(LogLocator(numticks=6))
        axis.set_minor_locator(NullLocator())
    elif given.ticks == "given":
        axis.set_major_locator(FixedLocator(list(given.at)))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
        axis.set_ticklabels(_ticked(given, inches, upright=upright), rotation=90 if given.rotated else 0)
    looks: dict[str, Any] = {} if given.ticked and given.line else {"length": 0}
    axis.set_tick_params(which="both", **looks, **({} if given.labelled else {"labelleft" if upright else "labelbottom": False}))


def _ticked(given: Axis, inches: float, *, upright: bool) -> list[str]:
    """Labels of given ticks, "" for those that would touch the previous one."""
    texts = [_text(text) for text in given.texts]
    if upright or given.rotated:
        every = max(1, int(np.ceil(len(texts) * TICK_ROW / max(inches, TICK_ROW))))
        return [text if index % every == 0 else "" for index, text in enumerate(texts)]
    ends = np.log(given.limits) if given.log else np.array(given.limits)
    at = np.log(given.at) if given.log else np.array(given.at)
    return [
        text if shown else ""
        for text, shown in zip(texts, spread_out((at - ends[0]) / (ends[1] - ends[0]), texts, inches), strict=True)
    ]


def spread_out(shares: Floats, texts: Sequence[str], inches: float) -> list[bool]:
    """Mask of the labels at fractions `shares` of an axis, `inches` wide, that fit without touching; always includes the first."""
    shown, end = [], -np.inf
    for share, text in zip(shares.tolist(), texts, strict=True):
        half = (max(map(len, text.split("\n"))) + 1) * LETTER / 2
        keep = share * inches - half >= end
        shown.append(keep)
        end = share * inches + half if keep else end
    return shown


def _marker(marker: Marker | None, colour: str) -> dict[str, Any]:
    """A marker as properties of a matplotlib line."""
    if marker is None:
        return {"marker": "none"}
    edge = marker.edge or (colour if marker.fill != "colour" or marker.symbol.startswith("tick") else "none")
    return {
        "marker": SYMBOLS[marker.symbol],
        "markersize": marker.size,
        "markerfacecolor": {"colour": colour, "paper": style.PAPER, "none": "none"}[marker.fill],
        "markeredgecolor": edge,
        "markeredgewidth": 0.0 if edge == "none" else marker.edge_width,
    }


def _line(axes: Axes, _: Chart, line: Any) -> Sequence[Artist]:
    stepped = isinstance(line, Steps)
    known = np.isfinite(line.x) & np.isfinite(line.y)
    if line.marker is not None or (known.all() and not stepped):
        return axes.plot(
            line.x,
            line.y,
            color=line.colour,
            linewidth=line.width,
            linestyle=DASHES[line.dash] if line.width else "none",
            alpha=line.alpha,
            drawstyle="steps-post" if stepped else "default",
            markevery=line.every,
            **_marker(line.marker, line.colour),
        )
    strokes = [_corners(stroke) if stepped else stroke for stroke in _strokes(line.x, line.y, known)]
    looks = {"colors": line.colour, "linewidths": line.width, "linestyles": DASHES[line.dash], "alpha": line.alpha}
    return [axes.add_collection(LineCollection(strokes, **looks), autolim=False)]


def _strokes(x: Floats, y: Floats, known: Any) -> list[Floats]:
    """(points x 2) coordinates of each unbroken part of a line."""
    edges = np.flatnonzero(np.diff(np.r_[False, known, False]))
    return [np.stack([x[start:end], y[start:end]], axis=1) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _corners(stroke: Floats) -> Floats:
    """(corners x 2) coordinates of the steps through the points, without points that do not change the line."""
    changes = np.flatnonzero(np.diff(stroke[:, 1])) + 1
    x = np.r_[stroke[0, 0], np.repeat(stroke[changes, 0], 2), stroke[-1, 0]]
    y = np.r_[stroke[0, 1], np.stack([stroke[changes - 1, 1], stroke[changes, 1]], axis=1).ravel(), stroke[-1, 1]]
    return np.stack([x, y], axis=1)


def _band(axes: Axes, _: Chart, band: Any) -> Sequence[Artist]:
    step: dict[str, Any] = {"step": "post"} if band.stepped else {}
    return [axes.fill_between(band.x, band.low, band.high, color=band.colour, alpha=band.alpha, linewidth=0, **step)]


def _dots(axes: Axes, chart: Chart, dots: Any) -> Sequence[Artist]:
    if dots.values is not None:
        assert chart.scale is not None, "values need a scale"
        looks = {"s": dots.marker.size**2, "marker": SYMBOLS[dots.marker.symbol], "linewidths": 0, "alpha": dots.alpha}
        return [axes.scatter(dots.x, dots.y, c=dots.values, cmap=_map(chart.scale), norm=_norm(chart.scale), **looks)]
    artists = axes.plot(
        dots.x, dots.y, linestyle="none", alpha=dots.alpha, clip_on=dots.clipped, **_marker(dots.marker, dots.colour)
    )
    for artist in artists:
        # Otherwise the layout would reserve space for a marker beyond the edge of a small panel.
        artist.set_in_layout(dots.clipped)
    return artists


def _rule(axes: Axes, _: Chart, rule: Any) -> Sequence[Artist]:
    draw = axes.axhline if rule.axis == "y" else axes.axvline
    return [draw(rule.at, color=rule.colour, linewidth=rule.width, linestyle=DASHES[rule.dash])]


def _bars(axes: Axes, _: Chart, bars: Any) -> Sequence[Artist]:
    looks = (
        {"fill": False, "edgecolor": bars.colour, "linewidth": bars.frame}
        if bars.frame
        else {"facecolor": bars.colour, "edgecolor": "none", "linewidth": 0}
    )
    sides = zip(*(side.tolist() for side in (bars.left, bars.right, bars.bottom, bars.top)), strict=True)
    return [
        axes.add_patch(Rectangle((left, bottom), right - left, top - bottom, alpha=bars.alpha, **looks))
        for left, right, bottom, top in sides
        if np.isfinite(top - bottom + right - left)
    ]


def _heat(axes: Axes, chart: Chart, heat: Any) -> Sequence[Artist]:
    assert chart.scale is not None, "a heat map needs a scale"
    x, y = heat.x_edges, heat.y_edges
    looks: dict[str, Any] = {"cmap": _map(chart.scale), "norm": _norm(chart.scale)} | (
        {"edgecolors": "white"} if heat.parted else {}
    )
    made: list[Artist] = [axes.pcolormesh(x, y, heat.values, **looks)]
    for row, column in np.argwhere(np.isnan(heat.values) & heat.parted).tolist():
        corner, size = (x[column], y[row]), (x[column + 1] - x[column], y[row + 1] - y[row])
        made.append(axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=CROSSED, hatch="xx", linewidth=0)))
    middles = [(edges[1:] + edges[:-1]) / 2 for edges in (x, y)]
    for row, texts in enumerate(heat.written):
        for column, text in enumerate(texts):
            red, green, blue, _ = mpl.colormaps[_map(chart.scale)](_norm(chart.scale)(heat.values[row, column]))
            ink = style.PAPER if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else style.INK
            centre = (float(middles[0][column]), float(middles[1][row]))
            made.append(axes.text(*centre, _text(text), ha="center", va="center", fontsize=7, color=ink))
    return made


def _labels(axes: Axes, _: Chart, labels: Any) -> Sequence[Artist]:
    made: list[Artist] = []
    base = axes.transAxes if labels.frame == "panel" else axes.transData
    figure = axes.figure
    shift = ScaledTranslation(labels.shift[0] / 72, labels.shift[1] / 72, figure.dpi_scale_trans)
    for x, y, text in zip(labels.x.tolist(), labels.y.tolist(), labels.texts, strict=True):
        written = axes.text(
            x,
            y,
            _text(text),
            transform=base + shift,
            ha=labels.align,
            va={"top": "top", "middle": "center", "bottom": "bottom"}[labels.anchor],
            fontsize=labels.size,
            color=labels.colour,
            style="italic" if labels.italic else "normal",
        )
        if labels.boxed:
            written.set_bbox({"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.6})
        made.append(written)
    return made


_MARKS: dict[type[Mark], Callable[[Axes, Chart, Any], Sequence[Artist]]] = {
    Line: _line,
    Steps: _line,
    Band: _band,
    Dots: _dots,
    Rule: _rule,
    Bars: _bars,
    Heat: _heat,
    Labels: _labels,
}


def _map(scale: ColourScale) -> str:
    return "viridis_r" if scale.reverse else "viridis"


def _norm(scale: ColourScale) -> mpl.colors.Normalize:
    return mpl.colors.Normalize(scale.low, scale.high)


def _colour_bar(made: Figure, scale: ColourScale, panels: Sequence[Axes], rows: int) -> None:
    shape: dict[str, Any] = {"fraction": 0.05, "pad": 0.02, "aspect": 14 * rows}
    bar = made.colorbar(mpl.cm.ScalarMappable(_norm(scale), _map(scale)), ax=list(panels), **shape)
    bar.set_label(_text(scale.label))
    bar.outline.set_visible(False)


def _handle(entry: Entry) -> Artist:
    if not entry.dash and not entry.symbol:
        return Patch(facecolor=entry.colour, alpha=entry.alpha, linewidth=0)
    fill = style.PAPER if entry.open else entry.colour
    line: dict[str, Any] = {"color": entry.colour, "linewidth": entry.width, "linestyle": DASHES[entry.dash]}
    return Line2D([], [], **line, marker=SYMBOLS[entry.symbol], markersize=4, markerfacecolor=fill)


def _legend(made: Figure, chart: Chart, panels: Sequence[Panel], drawn: Sequence[Axes]) -> None:
    """The legend entries that are not in the key of a panel."""
    own = {index for panel in panels if panel.key for index in panel.key.entries}
    entries = [entry for index, entry in enumerate(chart.legend) if entry.media in ("both", "print") and index not in own]
    if not entries:
        return
    handles, names = [_handle(entry) for entry in entries], [_text(entry.name) for entry in entries]
    if chart.legend_below:
        made.legend(handles, names, loc="outside lower center", **_small(names, chart.legend_title, style.WIDTH))
    elif len(panels) == 1 and not panels[0].title:
        style.legend_above(drawn[0], handles, names)
    else:
        made.legend(handles, names, loc="outside upper left", ncols=style.legend_columns(names))


def _key(axes: Axes, chart: Chart, key: Key, inches: float) -> None:
    entries = [chart.legend[index] for index in key.entries]
    if not entries:
        return
    handles, names = [_handle(entry) for entry in entries], [_text(entry.name) for entry in entries]
    if key.above:
        style.legend_above(axes, handles, names)
        return
    shift = ScaledTranslation(0, -32 / 72, axes.figure.dpi_scale_trans)
    anchor: dict[str, Any] = {"bbox_to_anchor": (0.5, 0), "bbox_transform": axes.transAxes + shift}
    axes.legend(handles, names, loc="upper center", **anchor, **_small(names, key.title, inches))


def _small(names: Sequence[str], title: str, inches: float) -> dict[str, Any]:
    """Settings of a legend below a panel or the figure."""
    return {
        "title": _text(title) or None,
        "title_fontsize": 7,
        "fontsize": 6.5,
        "ncols": style.key_columns(names, inches),
        "handlelength": 2.2,
        "columnspacing": 0.9,
    }
