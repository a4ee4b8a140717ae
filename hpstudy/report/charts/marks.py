"""Marks: what is drawn on a panel, in data coordinates.

Colors are #rrggbb. Widths and sizes are in points. `alpha` is an opacity in [0, 1]. Coordinates are (points,) arrays; NaN is a gap.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.report.style import Dash, Symbol

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
        size: its diameter.
        fill: "color" for the color of the mark; "paper" for an open marker that hides marks behind it; "none" for a hollow one.
        edge: color of the edge; "" for none, or for the color of the mark if the marker is not filled with it.
        edge_width: width of the edge.
    """

    symbol: Symbol = "circle"
    size: float = 4.0
    fill: Literal["color", "paper", "none"] = "color"
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
        width: 0 for markers only.
        dash: its pattern.
        marker: marker at its points; None for none.
        every: (first, step) of the points with a marker.
    """

    x: Floats
    y: Floats
    color: str
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
        low, high: (points,) lower and upper ends.
        stepped: whether the ends apply until the next point.
    """

    x: Floats
    low: Floats
    high: Floats
    color: str
    alpha: float
    stepped: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Dots(Mark):
    """Points.

    Attributes:
        marker: their shape and size.
        values: (points,) values on `Chart.scale` that color the points instead of `color`; None for one color.
        clipped: whether markers are clipped at the edge of the panel.
    """

    x: Floats
    y: Floats
    color: str
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
        dash: pattern of the line.
    """

    axis: Literal["x", "y"]
    at: float
    color: str
    width: float = 0.8
    dash: Dash = "solid"


@dataclass(frozen=True, kw_only=True, eq=False)
class Bars(Mark):
    """Rectangles: bars, histograms, frames.

    Attributes:
        left, right, bottom, top: (bars,) their sides.
        frame: line width if only the outline is drawn; 0 for filled rectangles.
    """

    left: Floats
    right: Floats
    bottom: Floats
    top: Floats
    color: str
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
        x, y: (texts,) coordinates of the anchors.
        texts: the texts.
        align: side of the text at x.
        anchor: side of the text at y.
        italic: whether they are set in italics.
        boxed: whether they hide marks behind them.
        frame: "data" for data coordinates; "panel" for fractions of the panel, where (0, 0) is its lower left corner.
        shift: offset from the anchor to the right and upwards, in points.
    """

    x: Floats
    y: Floats
    texts: tuple[str, ...]
    color: str = "#000000"
    size: float = 7.5
    align: Literal["left", "center", "right"] = "center"
    anchor: Literal["top", "middle", "bottom"] = "middle"
    italic: bool = False
    boxed: bool = False
    frame: Literal["data", "panel"] = "data"
    shift: tuple[float, float] = (0.0, 0.0)


def _same(one: Any, other: Any) -> bool:
    """Equality of two fields, where NaN equals NaN in arrays."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    return bool(one == other)
