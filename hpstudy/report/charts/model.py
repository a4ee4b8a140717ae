"""Charts as data: panels of marks in data coordinates, a legend, words, and the CSV files behind them.

A chart module (`hpstudy.report.charts.<kind>`) turns results into a `Chart`; a pen (`hpstudy.report.pens`) draws any chart and knows no
kind of figure. So everything that is seen is decided in the chart: limits, ticks, colours, widths, order. Sizes are in points and
inches of the printed figure; the page scales them. Texts are what the reader sees: a pen escapes what its library would interpret.

Marks are drawn in their order, the last on top. Coordinates are float arrays; NaN is a gap.
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
"""Where something is drawn: print is the PDF, single files and notebooks; page is the interactive page."""


@dataclass(frozen=True)
class Hover:
    """What the page shows at each point of a mark.

    Attributes:
        texts: (points,) texts; lines are separated by a line feed; "" for no text at that point.
        names: hyperparameters of `values`; each is a line of its own below the text.
        values: (points x names) their values as text. Long lists stay small: the names stand once in the page.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Marker:
    """How a point looks.

    Attributes:
        symbol: its shape.
        size: in points.
        fill: "colour" of the mark; "paper" for an open marker that hides what is behind it; "none" for a hollow one.
        edge: colour of the edge; "" for none, or for that of the mark where it is not filled with it.
        edge_width: in points.
    """

    symbol: Symbol = "circle"
    size: float = 4.0
    fill: Literal["colour", "paper", "none"] = "colour"
    edge: str = ""
    edge_width: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Mark:
    """What all marks have.

    Attributes:
        groups: legend entries it belongs to, by their place in `Chart.legend`; the page shows it while all of them are switched on.
        media: where it is drawn.
        raster: whether print draws it as an image, for marks of very many points.
        hover: what the page shows at its points; None for nothing.
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
    """A line through points; NaN parts it into strokes, which add up where they cross if they are faint.

    Attributes:
        x, y: (points,) coordinates.
        colour: as #rrggbb.
        width: in points; 0 for markers only.
        dash: its pattern.
        alpha: opacity in [0, 1].
        marker: at its points; None for none.
        every: (first, step): which points have the marker.
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
    """A line that keeps the value of a point until the next one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Band(Mark):
    """An area between two lines.

    Attributes:
        x: (points,) where.
        low, high: (points,) its ends.
        colour: as #rrggbb.
        alpha: opacity.
        stepped: whether the ends keep their value until the next point.
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
        values: (points,) on `Chart.scale`, which colour the points instead of `colour`; None for one colour.
        clipped: whether a marker ends at the edge of the panel.
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
        axis: on which axis the value is: a rule at a value of "y" is horizontal.
        at: the value.
        colour, width, dash: how it looks.
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
        frame: width in points of an outline that is drawn instead of the filled rectangle; 0 for a filled one.
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
    """Cells coloured on `Chart.scale`. Its hover texts go row by row.

    Attributes:
        x_edges: (columns + 1,) sides of the cells, ascending.
        y_edges: (rows + 1,) likewise.
        values: (rows x columns), the lowest row first.
        written: (rows x columns) texts in the cells; () for none.
        parted: whether white lines part the cells, and those without a value are crossed.
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
        x, y: (texts,) where they are anchored.
        texts: what they say.
        colour: as #rrggbb.
        size: in points.
        align: which side of the text is at x.
        anchor: which side of the text is at y.
        italic: whether they are set in italics.
        boxed: whether they hide what is behind them.
        frame: "data" for coordinates on the axes; "panel" for shares of the panel, (0, 0) being its lower left corner.
        shift: (right, up) in points, from the anchor.
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
        limits: its two ends; the first above the second turns it round. Both are positive on a logarithmic axis.
        log: whether it is logarithmic.
        ticks: "auto" for round numbers, "integers" for whole ones, "decades" for powers of ten, "given" for those of `at`, "none".
        at: where ticks are given.
        texts: what is written at them; print leaves out a text that would touch its neighbour.
        rotated: whether the texts are turned by 90 degrees.
        grid: whether light guide lines cross the panel at the ticks.
        titled: whether print writes the label; the page always does.
        labelled: whether print writes the texts of the ticks; the page always does.
        line: whether the axis itself is drawn.
        ticked: whether there are tick marks beside the texts.
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
    """Where print lists legend entries that belong to one panel.

    Attributes:
        entries: their places in `Chart.legend`.
        title: above them.
        above: whether they are above the panel instead of below it.
    """

    entries: tuple[int, ...]
    title: str = ""
    above: bool = False


@dataclass(frozen=True)
class Panel:
    """One pair of axes with its marks.

    Attributes:
        x, y: the axes.
        marks: in the order in which they are drawn.
        title: above it; "" for none.
        titled: whether print writes the title; the page always does.
        row, column: its place in the grid of the printed figure; the page flows its panels in their order.
        title_size: in points.
        title_align: at which side of the panel the title is.
        key: its own legend in print, for entries that the chart's legend then leaves out.
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
    """One entry of the legend, which the page can switch off: a line, a marker, both, or a patch where it has neither.

    Attributes:
        name: as the reader sees it.
        colour: as #rrggbb.
        dash: pattern of the line; "" for no line.
        symbol: of the marker; "" for no marker.
        width: of the line in points.
        alpha: opacity of a patch.
        open: whether the marker is open.
        media: where it is listed: "page" for a switch that print does not need.
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
    """What the colours of `Heat` and of `Dots.values` mean: viridis, from dark to bright.

    Attributes:
        label: of the colour bar.
        low, high: values of its two ends.
        reverse: whether low values are the bright ones.
    """

    label: str
    low: float
    high: float
    reverse: bool = False


@dataclass(frozen=True)
class Data:
    """A CSV file behind a chart.

    Attributes:
        name: of the file, without its ending.
        rows: gives the head and the rows.
    """

    name: str
    rows: Callable[[], Iterable[Row]] = field(compare=False)

    @classmethod
    def of(cls, source: T, *tables: Callable[[T], Iterable[Row]]) -> tuple[Data, ...]:
        """A file for each table of the source, named after its function."""
        return tuple(cls(table.__name__, partial(table, source)) for table in tables)


@dataclass(frozen=True)
class Chart:
    """A figure of a report, a block of a section.

    Attributes:
        name: also its file name; unique in a report.
        panels: its axes with their marks.
        caption: what it shows, in one sentence.
        reading: how to read it.
        data: the CSV files behind it.
        height: of the printed figure in inches; its width is `style.WIDTH`.
        legend: its entries; `Mark.groups` refers to their places.
        legend_title: above the legend.
        legend_below: whether print lists the legend below the panels instead of above them.
        x_label, y_label: one title for the axes of all panels, at the edges of the printed figure.
        widths, heights: relative sizes of the grid's columns and rows; () for equal ones.
        scale: of the colours; None where none is needed.
        page_note: what the reader of the page needs to know besides; "" for nothing.
        page_only: whether the printed report leaves it out.
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
        """The panels that are drawn there."""
        return tuple(panel for panel in self.panels if panel.media in ("both", media))


def _same(one: Any, other: Any) -> bool:
    """Equality of two fields; NaN equals NaN in arrays."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    return bool(one == other)
