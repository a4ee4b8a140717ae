"""Charts as data: panels of marks in data coordinates, a legend, texts, and the CSV files of the data.

A chart module (`hpstudy.report.charts.<kind>`) converts results to a `Chart`. A pen (`hpstudy.report.pens`) draws any chart, independent of
its kind. The chart therefore determines all visible properties: limits, ticks, colors, widths, order. Sizes are in points and inches of the
printed figure; the page scales them. Texts are literal: a pen escapes what its library would interpret. `marks.py` has the marks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar

from hpstudy.report import style
from hpstudy.report.charts.marks import Mark, Media
from hpstudy.report.csvs import Row
from hpstudy.report.style import Dash, Symbol

T = TypeVar("T")


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
        labeled: whether print writes the tick labels; the page always does.
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
    labeled: bool = True
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
    title_align: Literal["left", "center", "right"] = "center"
    key: Key | None = None
    media: Media = "both"


@dataclass(frozen=True)
class Entry:
    """One entry of the legend, which the page can switch off: a line, a marker, both, or a patch if it has neither.

    Attributes:
        name: displayed name.
        color: as #rrggbb.
        dash: pattern of the line; "" for no line.
        symbol: symbol of the marker; "" for no marker.
        width: width of the line in points.
        alpha: opacity of a patch.
        open: whether the marker is open.
        media: where it is listed; "page" for a switch that print does not need.
    """

    name: str
    color: str = style.INK
    dash: Dash | Literal[""] = ""
    symbol: Symbol | Literal[""] = ""
    width: float = 1.8
    alpha: float = 1.0
    open: bool = False
    media: Media = "both"


@dataclass(frozen=True)
class ColorScale:
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
    scale: ColorScale | None = None
    page_note: str = ""
    page_only: bool = False

    def __repr__(self) -> str:
        return f"<Chart '{self.name}': {len(self.panels)} panels>"

    def shown(self, media: Literal["print", "page"]) -> tuple[Panel, ...]:
        """The panels that are drawn in the given medium."""
        return tuple(panel for panel in self.panels if panel.media in ("both", media))
