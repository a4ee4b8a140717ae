"""A chart as a matplotlib figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis as MplAxis
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from hpstudy.analysis.arrays import Floats
from hpstudy.report import style
from hpstudy.report.charts.model import Axis, Chart, ColorScale, Entry, Key, Panel
from hpstudy.report.pens.matplotlib_marks import DASHES, SYMBOLS, colors, draw, literal

GRID = style.gray(0.9)
"""Color of grid lines."""

EDGES = 0.75
"""Approximate width in inches of the labels next to a panel."""

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


def figure(chart: Chart, width: float = style.WIDTH) -> Figure:
    """Draw a chart, `width` inches wide. Call it within `style.applied()`."""
    drawing = ShownFigure(figsize=(width, chart.height), layout="constrained")
    panels = chart.shown("print")
    rows, columns = (1 + max(getattr(panel, side) for panel in panels) for side in ("row", "column"))
    ratios = {"width_ratios": chart.widths or None, "height_ratios": chart.heights or None}
    grid = drawing.add_gridspec(rows, columns, **ratios)
    shares = np.array(chart.widths or (1.0,) * columns)
    drawn = []
    for panel in panels:
        inches = width * float(shares[panel.column] / shares.sum()) - EDGES
        drawn.append(_panel(drawing.add_subplot(grid[panel.row, panel.column]), chart, panel, inches, chart.height / rows))
    if chart.x_label:
        drawing.supxlabel(literal(chart.x_label), fontsize="medium")
    if chart.y_label:
        drawing.supylabel(literal(chart.y_label), fontsize="medium")
    if chart.scale is not None:
        _color_bar(drawing, chart.scale, drawn, rows)
    _legend(drawing, chart, panels, drawn)
    return drawing


def _panel(axes: Axes, chart: Chart, panel: Panel, width: float, height: float) -> Axes:
    """Draw one panel; width and height are approximate, in inches."""
    for axis_data, axis, scale, limits in (
        (panel.x, axes.xaxis, axes.set_xscale, axes.set_xlim),
        (panel.y, axes.yaxis, axes.set_yscale, axes.set_ylim),
    ):
        if axis_data.log:
            scale("log")
        limits(*axis_data.limits)
        axis.set_label_text(literal(axis_data.label) if axis_data.titled else "")
        if axis_data.grid:
            axes.grid(axis="x" if axis is axes.xaxis else "y", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    _ticks(axes.xaxis, panel.x, width, upright=False)
    _ticks(axes.yaxis, panel.y, height - EDGES, upright=True)
    axes.spines["bottom"].set_visible(panel.x.line)
    axes.spines["left"].set_visible(panel.y.line)
    if panel.title and panel.titled:
        axes.set_title(literal(panel.title), loc=panel.title_align, fontsize=panel.title_size)
    marks = [mark for mark in panel.marks if mark.media in ("both", "print")]
    for order, mark in enumerate(marks):
        for artist in draw(axes, chart, mark):
            artist.set_zorder(1 + 3 * order / len(marks))
            artist.set_rasterized(mark.raster)
            if len(mark.groups) == 1:  # identifies, in a notebook, the artists of one legend entry
                artist.set_label(literal(chart.legend[mark.groups[0]].name))
    if panel.key is not None:
        _key(axes, chart, panel.key, width + EDGES)
    return axes


def _ticks(axis: MplAxis, axis_data: Axis, inches: float, *, upright: bool) -> None:
    if axis_data.ticks == "none":
        axis.set_ticks([])
    elif axis_data.ticks == "auto" and not (upright or axis_data.log):
        axis.set_major_locator(MaxNLocator(nbins=min(9, max(2, int(inches / (NUMBER * style.LETTER)))), steps=[1, 2, 2.5, 5, 10]))
    elif axis_data.ticks == "integers":
        axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))
    elif axis_data.ticks == "decades":
        axis.set_major_locator(LogLocator(numticks=6))
        axis.set_minor_locator(NullLocator())
    elif axis_data.ticks == "given":
        axis.set_major_locator(FixedLocator(list(axis_data.at)))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
        axis.set_ticklabels(_ticked(axis_data, inches, upright=upright), rotation=90 if axis_data.rotated else 0)
    looks: dict[str, Any] = {} if axis_data.ticked and axis_data.line else {"length": 0}
    axis.set_tick_params(
        which="both", **looks, **({} if axis_data.labeled else {"labelleft" if upright else "labelbottom": False})
    )


def _ticked(axis_data: Axis, inches: float, *, upright: bool) -> list[str]:
    """Labels of given ticks, "" for those that would touch the previous one."""
    texts = [literal(text) for text in axis_data.texts]
    if upright or axis_data.rotated:
        every = max(1, int(np.ceil(len(texts) * TICK_ROW / max(inches, TICK_ROW))))
        return [text if index % every == 0 else "" for index, text in enumerate(texts)]
    ends = np.log(axis_data.limits) if axis_data.log else np.array(axis_data.limits)
    at = np.log(axis_data.at) if axis_data.log else np.array(axis_data.at)
    return [
        text if kept else ""
        for text, kept in zip(texts, spread_out((at - ends[0]) / (ends[1] - ends[0]), texts, inches), strict=True)
    ]


def spread_out(shares: Floats, texts: Sequence[str], inches: float) -> list[bool]:
    """Mask of the labels at fractions `shares` of an axis, `inches` wide, that fit without touching; always includes the first."""
    kept, end = [], -np.inf
    for share, text in zip(shares.tolist(), texts, strict=True):
        half = (max(map(len, text.split("\n"))) + 1) * style.LETTER / 2
        fits = share * inches - half >= end
        kept.append(fits)
        end = share * inches + half if fits else end
    return kept


def _color_bar(figure: Figure, scale: ColorScale, panels: Sequence[Axes], rows: int) -> None:
    shape: dict[str, Any] = {"fraction": 0.05, "pad": 0.02, "aspect": 14 * rows}
    bar = figure.colorbar(ScalarMappable(**colors(scale)), ax=list(panels), **shape)
    bar.set_label(literal(scale.label))
    bar.outline.set_visible(False)


def _handle(entry: Entry) -> Artist:
    if not entry.dash and not entry.symbol:
        return Patch(facecolor=entry.color, alpha=entry.alpha, linewidth=0)
    fill = style.PAPER if entry.open else entry.color
    line: dict[str, Any] = {"color": entry.color, "linewidth": entry.width, "linestyle": DASHES[entry.dash]}
    return Line2D([], [], **line, marker=SYMBOLS[entry.symbol], markersize=4, markerfacecolor=fill)


def _legend(figure: Figure, chart: Chart, panels: Sequence[Panel], drawn: Sequence[Axes]) -> None:
    """The legend entries that are not in the key of a panel."""
    in_keys = {index for panel in panels if panel.key for index in panel.key.entries}
    entries = [entry for index, entry in enumerate(chart.legend) if entry.media in ("both", "print") and index not in in_keys]
    if not entries:
        return
    names = [entry.name for entry in entries]
    if chart.legend_below:
        figure.legend(*_handles(entries), loc="outside lower center", **_small(names, chart.legend_title, figure.get_figwidth()))
        return
    columns, fewer = (style.legend_columns(names, letters) for letters in (style.LETTERS, _letters(figure.get_figwidth())))
    more_rows = math.ceil(len(names) / fewer) - math.ceil(len(names) / columns)
    figure.set_figheight(figure.get_figheight() + style.LEGEND_ROW * more_rows)
    if len(panels) == 1 and not panels[0].title:
        _legend_above(drawn[0], entries, style.letters_beside(_rows(panels), _letters(figure.get_figwidth())))
    else:
        figure.legend(*_handles(entries), loc="outside upper left", ncols=fewer)


def _letters(inches: float) -> int:
    """The number of characters in legend size across a figure."""
    return int(style.LETTERS * inches / style.WIDTH)


def _key(axes: Axes, chart: Chart, key: Key, inches: float) -> None:
    """The legend of one panel, `inches` wide."""
    entries = [chart.legend[index] for index in key.entries]
    if key.above:
        _legend_above(
            axes, entries, style.letters_beside(_rows(chart.shown("print")), _letters(axes.figure.bbox.width / axes.figure.dpi))
        )
    elif entries:
        shift = ScaledTranslation(0, -32 / 72, axes.figure.dpi_scale_trans)
        anchor: dict[str, Any] = {"bbox_to_anchor": (0.5, 0), "bbox_transform": axes.transAxes + shift}
        handles, names = _handles(entries)
        axes.legend(handles, names, loc="upper center", **anchor, **_small(names, key.title, inches))


def _handles(entries: Sequence[Entry]) -> tuple[list[Artist], list[str]]:
    """Handles and names of a legend."""
    return [_handle(entry) for entry in entries], [literal(entry.name) for entry in entries]


def _rows(panels: Sequence[Panel]) -> list[str]:
    """The row labels to the left of panels."""
    return [text for panel in panels if panel.y.labeled for text in panel.y.texts]


def _legend_above(axes: Axes, entries: Sequence[Entry], room: int) -> None:
    """A legend above the axes, where it does not hide data, `room` characters wide."""
    columns = style.legend_columns([entry.name for entry in entries], room)
    axes.legend(*_handles(entries), loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, columnspacing=1.6)


def _small(names: Sequence[str], title: str, inches: float) -> dict[str, Any]:
    """Settings of a legend below a panel or the figure."""
    columns = {"ncols": style.key_columns(names, inches), "handlelength": 2.2, "columnspacing": 0.9}
    return {"title": literal(title) or None, "title_fontsize": 7, "fontsize": 6.5, **columns}
