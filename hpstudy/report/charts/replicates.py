"""Values of replicates: single ones as small points, their means as large ones with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import summary
from hpstudy.report import numbers, style
from hpstudy.report.charts.model import Band, Dots, Entry, Hover, Line, Mark, Marker
from hpstudy.report.charts.sweep_metrics import mean_hover
from hpstudy.report.style import Dash, Symbol


@dataclass(frozen=True)
class Series:
    """Where the values of a line are, and how they look.

    Attributes:
        x: (points,) where.
        entry: place in the legend.
        colour, symbol, dash: how it looks.
        apart: whether replicates are drawn to the left of the mean, instead of all at x.
    """

    x: Floats
    entry: int
    colour: str
    symbol: Symbol
    dash: Dash
    _: KW_ONLY
    apart: bool = False


def marks(
    results: Results,
    metric: str,
    lines: Sequence[tuple[Series, Floats, Sequence[str]]],
    replicates: int,
    bottom: float,
    *,
    joined: bool,
) -> tuple[Mark, ...]:
    """Intervals, then replicates, then means.

    Args:
        results: of a sweep.
        metric: what the values are.
        lines: each with (replicates x points) values and the (points,) first lines of their hover texts.
        replicates: place of single replicates in the legend.
        bottom: of the axis, where an interval is cut off.
        joined: whether a line may join neighbours.
    """
    found = [_line(results, metric, *line, replicates, bottom, joined) for line in lines]
    return tuple(mark for layer in zip(*found, strict=True) for mark in layer)


def with_replicates(legend: Sequence[Entry]) -> tuple[Entry, ...]:
    """A legend of lines with the entry of single replicates; print has no legend for a single line."""
    lines = legend if len(legend) > 1 else [replace(entry, media="page") for entry in legend]
    return (*lines, Entry("single replicates", symbol="circle", media="page"))


def _line(
    results: Results,
    metric: str,
    line: Series,
    values: Floats,
    heads: Sequence[str],
    replicates: int,
    bottom: float,
    joined: bool,
) -> tuple[Mark, Mark, Mark]:
    """Interval, replicates and mean of (replicates x points) values."""
    found = summary(values, results.study.analysis.confidence)
    low, high = (
        np.maximum(end, bottom) for end in (found.low, found.high)
    )  # an end that is not positive has no place on a log axis
    banded = joined and int(np.isfinite(found.low).sum()) > 1
    at = line.x + 0.18 if line.apart else line.x
    own = (line.entry,)
    span: Mark = (
        Band(x=at, low=low, high=high, colour=line.colour, alpha=0.18, groups=own)
        if banded
        else Line(x=np.repeat(at, 3), y=_spans(low, high), colour=line.colour, width=1.2, groups=own)
    )
    mean = Line(
        x=at,
        y=found.mean,
        colour=line.colour,
        width=1.5 if joined else 0.0,
        dash=line.dash,
        marker=Marker(line.symbol, 5, fill="paper") if line.apart else Marker(line.symbol, 4.5, edge=style.PAPER, edge_width=0.5),
        groups=own,
        hover=mean_hover(results, metric, found, heads),
    )
    return span, _replicates(metric, line, values, heads, (*own, replicates)), mean


def _spans(low: Floats, high: Floats) -> Floats:
    """(3 points,) heights of upright lines with gaps between them."""
    return np.stack([low, high, np.full(len(low), np.nan)], axis=1).ravel()


def _replicates(metric: str, line: Series, values: Floats, heads: Sequence[str], groups: tuple[int, ...]) -> Dots:
    where = np.argwhere(~np.isnan(values))
    shift = (where[:, 0] % 5 - 2) * 0.05 - 0.12 if line.apart else 0.0
    return Dots(
        x=line.x[where[:, 1]] + shift,
        y=values[where[:, 0], where[:, 1]],
        colour=line.colour,
        marker=Marker(line.symbol, 3 if line.apart else 2.2),
        alpha=0.55,
        groups=groups,
        hover=Hover(
            tuple(
                f"{heads[at]}\nreplicate {replicate}: {metric} {numbers.general(float(values[replicate, at]), 6)}"
                for replicate, at in where.tolist()
            )
        ),
    )
