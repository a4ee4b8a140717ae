"""Charts as data: panels of marks in data coordinates, a legend, texts, and the CSV files of the data.

A chart module (`hpstudy.report.charts.<kind>`) converts results to a `Chart`. A pen (`hpstudy.report.pens`) draws any chart, independent of
its kind. The chart therefore determines all visible properties: limits, ticks, colors, widths, order. Sizes are in points and inches of the
printed figure; the page scales them. Texts are literal: a pen escapes what its library would interpret.

Marks are drawn in order, the last on top. Coordinates are float arrays; NaN is a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.report import style
from hpstudy.report.csvs import Row
from hpstudy.report.style import Dash, Symbol

T = TypeVar("T")

Media: TypeAlias = Literal["both", "print", "page"]
"""The media of a mark or panel: "print" is the PDF, single files and notebooks; "page" is the interactive page."""


@dataclass(frozen=True)
class Hover:
    """The hover texts of a mark on the page.

    Attributes:
        texts: (points,) texts; lines are separated by a line feed; "" for no text at that point.
        names: hyperparameters of `values`; each has a separate line below the text.
        values: (points x names) values as text. The names are in the page once, which keeps long lists small.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Marker:
    """The marker of a point.

    Attributes:
        symbol: its shape.
        size: in points.
        fill: "colour" for the color of the mark; "paper" for an open marker that hides marks behind it; "none" for a hollow one.
        edge: color of the edge; "" for none, or for the color of the mark if the marker is not filled with it.
        edge_width: width of the edge in points.
    """

    symbol: Symbol = "circle"
    size: float = 4.0
    fill: Literal["colour", "paper", "none"] = "colour"
    edge: str = ""
    edge_width: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Mark:
    """The common fields of all marks.

    Attributes:
        groups: indices of its legend entries in `Chart.legend`; the page shows the mark while all of them are switched on.
        media: where it is drawn.
        raster: whether print draws it as an image, for marks with very many points.
        hover: hover texts on the page; None for none.
    """

    groups: tuple[int, ...] = ()
    media: Media = "both"
    raster: bool = False
    hover: Hover | None = None

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]  # marks hold arrays


@dataclass(frozen=True, kw_only=True, eq=False)
class Line(Mark):
    """A line through points. NaN separates strokes; translucent strokes get darker where they cross.

    Attributes:
        x, y: (points,) coordinates.
        colour: as #rrggbb.
        width: in points; 0 for markers only.
        dash: its pattern.
        alpha: opacity in [0, 1].
        marker: marker at its points; None for none.
        every: (first, step) of the points with a marker.
    """

    x: Floats
    y: Floats
    colour: str
    width: float = 1.5
    dash: Dash = "solid"
    alpha: float = 1.0
    marker: Marker | None = None
    every: tuple[int, int] = (0, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps(Line):
    """A step line: the value of a point applies until the next one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Band(Mark):
    """An area between two lines.

    Attributes:
        x: (points,) coordinates.
        low, high: (points,) lower and upper ends.
        colour: as #rrggbb.
        alpha: opacity.
        stepped: whether the ends apply until the next point.
    """

    x: Floats
    low: Floats
    high: Floats
    colour: str
    alpha: float
    stepped: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Dots(Mark):
    """Points.

    Attributes:
        x, y: (points,) coordinates.
        colour: as #rrggbb.
        marker: their shape and size.
        alpha: opacity.
        values: (points,) values on `Chart.scale` that color the points instead of `colour`; None for one color.
        clipped: whether markers are clipped at the edge of the panel.
    """

    x: Floats
    y: Floats
    colour: str
    marker: Marker = field(default_factory=Marker)
    alpha: float = 1.0
    values: Floats | None = None
    clipped: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule(Mark):
    """A straight line across the whole panel at one value.

    Attributes:
        axis: axis of the value; a rule at a value of "y" is horizontal.
        at: the value.
        colour, width, dash: color, width in points and pattern of the line.
    """

    axis: Literal["x", "y"]
    at: float
    colour: str
    width: float = 0.8
    dash: Dash = "solid"


@dataclass(frozen=True, kw_only=True, eq=False)
class Bars(Mark):
    """Rectangles: bars, histograms, frames.

    Attributes:
        left, right, bottom, top: (bars,) their sides.
        colour: as #rrggbb.
        alpha: opacity.
        frame: line width in points if only the outline is drawn; 0 for filled rectangles.
    """

    left: Floats
    right: Floats
    bottom: Floats
    top: Floats
    colour: str
    alpha: float = 1.0
    frame: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Heat(Mark):
    """Cells colored by `Chart.scale`. The hover texts are in row order.

    Attributes:
        x_edges: (columns + 1,) edges of the cells, ascending.
        y_edges: (rows + 1,) edges of the cells, ascending.
        values: (rows x columns) values, the lowest row first.
        written: (rows x columns) texts in the cells; () for none.
        parted: whether white lines separate the cells and cells without a value are crossed out.
    """

    x_edges: Floats
    y_edges: Floats
    values: Floats
    written: tuple[tuple[str, ...], ...] = ()
    parted: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels(Mark):
    """Texts on the panel.

    Attributes:
        x, y: (texts,) anchor coordinates.
        texts: the texts.
        colour: as #rrggbb.
        size: in points.
        align: side of the text at x.
        anchor: side of the text at y.
        italic: whether they are set in italics.
        boxed: whether they hide marks behind them.
        frame: "data" for data coordinates; "panel" for fractions of the panel, where (0, 0) is its lower left corner.
        shift: (right, up) offset from the anchor in points.
    """

    x: Floats
    y: Floats
    texts: tuple[str, ...]
    colour: str = "#000000"
    size: float = 7.5
    align: Literal["left", "center", "right"] = "center"
    anchor: Literal["top", "middle", "bottom"] = "middle"
    italic: bool = False
    boxed: bool = False
    frame: Literal["data", "panel"] = "data"
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    Attributes:
        label: its title; "" for none.
        limits: its two ends; reversed if the first is above the second. Both are positive on a logarithmic axis.
        log: whether it is logarithmic.
        ticks: "auto" for round numbers, "integers" for integers, "decades" for powers of ten, "given" for those of `at`, "none".
        at: positions of given ticks.
        texts: labels of given ticks; print omits a label that would touch its neighbor.
        rotated: whether the tick labels are rotated by 90 degrees.
        grid: whether light grid lines are drawn at the ticks.
        titled: whether print writes the label; the page always does.
        labelled: whether print writes the tick labels; the page always does.
        line: whether the axis line is drawn.
        ticked: whether tick marks are drawn.
    """

    label: str
    limits: tuple[float, float]
    log: bool = False
    ticks: Literal["auto", "integers", "decades", "given", "none"] = "auto"
    at: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    rotated: bool = False
    grid: bool = False
    titled: bool = True
    labelled: bool = True
    line: bool = True
    ticked: bool = True


@dataclass(frozen=True)
class Key:
    """The legend of one panel in print.

    Attributes:
        entries: indices of the entries in `Chart.legend`.
        title: title above the entries.
        above: whether the legend is above the panel instead of below it.
    """

    entries: tuple[int, ...]
    title: str = ""
    above: bool = False


@dataclass(frozen=True)
class Panel:
    """One pair of axes with its marks.

    Attributes:
        x, y: the axes.
        marks: the marks in drawing order.
        title: title of the panel; "" for none.
        titled: whether print writes the title; the page always does.
        row, column: position in the grid of the printed figure; the page places the panels in order.
        title_size: size of the title in points.
        title_align: horizontal alignment of the title.
        key: legend of the panel in print, for entries that the chart's legend then omits.
        media: where it is drawn.
    """

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    title: str = ""
    titled: bool = True
    row: int = 0
    column: int = 0
    title_size: float = 8.0
    title_align: Literal["left", "center"] = "center"
    key: Key | None = None
    media: Media = "both"


@dataclass(frozen=True)
class Entry:
    """One entry of the legend, which the page can switch off: a line, a marker, both, or a patch if it has neither.

    Attributes:
        name: displayed name.
        colour: as #rrggbb.
        dash: pattern of the line; "" for no line.
        symbol: symbol of the marker; "" for no marker.
        width: width of the line in points.
        alpha: opacity of a patch.
        open: whether the marker is open.
        media: where it is listed; "page" for a switch that print does not need.
    """

    name: str
    colour: str = style.INK
    dash: Dash | Literal[""] = ""
    symbol: Symbol | Literal[""] = ""
    width: float = 1.8
    alpha: float = 1.0
    open: bool = False
    media: Media = "both"


@dataclass(frozen=True)
class ColourScale:
    """The color scale of `Heat` and `Dots.values`: viridis, from dark to bright.

    Attributes:
        label: label of the color bar.
        low, high: values at its two ends.
        reverse: whether low values are bright.
    """

    label: str
    low: float
    high: float
    reverse: bool = False


@dataclass(frozen=True)
class Data:
    """A CSV file with the data of a chart.

    Attributes:
        name: name of the file, without its ending.
        rows: function that returns the head and the rows.
    """

    name: str
    rows: Callable[[], Iterable[Row]] = field(compare=False)

    @classmethod
    def of(cls, source: T, *tables: Callable[[T], Iterable[Row]]) -> tuple[Data, ...]:
        """A CSV file for each table function, named after the function."""
        return tuple(cls(table.__name__, partial(table, source)) for table in tables)


@dataclass(frozen=True)
class Chart:
    """A figure of a report, a block of a section.

    Attributes:
        name: also its file name; unique in a report.
        panels: the panels with their marks.
        caption: content of the figure, in one sentence.
        reading: explanation of the figure.
        data: the CSV files of the data.
        height: height of the printed figure in inches; its width is `style.WIDTH`.
        legend: legend entries; `Mark.groups` holds indices into it.
        legend_title: title of the legend.
        legend_below: whether print lists the legend below the panels instead of above them.
        x_label, y_label: common axis titles of all panels, at the edges of the printed figure.
        widths, heights: relative sizes of the grid's columns and rows; () for equal ones.
        scale: color scale; None without one.
        page_note: additional note on the page; "" for none.
        page_only: whether the printed report omits the figure.
    """

    name: str
    panels: tuple[Panel, ...]
    caption: str
    reading: str
    data: tuple[Data, ...]
    height: float
    legend: tuple[Entry, ...] = ()
    legend_title: str = ""
    legend_below: bool = False
    x_label: str = ""
    y_label: str = ""
    widths: tuple[float, ...] = ()
    heights: tuple[float, ...] = ()
    scale: ColourScale | None = None
    page_note: str = ""
    page_only: bool = False

    def __repr__(self) -> str:
        return f"<Chart '{self.name}': {len(self.panels)} panels>"

    def shown(self, media: Literal["print", "page"]) -> tuple[Panel, ...]:
        """The panels that are drawn in the given medium."""
        return tuple(panel for panel in self.panels if panel.media in ("both", media))


def _same(one: Any, other: Any) -> bool:
    """Equality of two fields, where NaN equals NaN in arrays."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    return bool(one == other)
