"""What the interactive figures of a sweep share: the axes, the words of a point, a line with its replicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, summary
from hpstudy.report import numbers
from hpstudy.report.figures.marks import all_values, logarithmic
from hpstudy.report.figures.swept import FEW, Axis, text_of, value_range
from hpstudy.report.interactive.spec import Trace, band, faded, hover, interval, label, words


@dataclass(frozen=True)
class Line:
    """Points of one view that belong together.

    Attributes:
        view: of the sweep.
        numbers: (points,) which points are on it.
        x: (points,) where they stand.
        groups: legend entries; the last one is that of single replicates.
        colour: as #rrggbb.
        dash, symbol: plotly's names.
    """

    view: SweepView
    numbers: tuple[int, ...]
    x: Floats
    groups: tuple[int, ...]
    colour: str
    dash: str
    symbol: str


def value_axis(results: Results, metric: str) -> dict[str, Any]:
    """The vertical axis of a metric, the same in all panels."""
    log = logarithmic(results, metric)
    found = [summary(view.values[metric], results.study.analysis.confidence) for view in results.sweep if metric in view.values]
    bands = np.concatenate([end for means in found for end in (means.low, means.high)])
    return scaled(value_range(all_values(results, metric), bands, log=log), metric, log=log)


def scaled(limits: tuple[float, float], title: str, *, log: bool) -> dict[str, Any]:
    """An axis between two values, of which a logarithmic one wants the powers of ten."""
    ends = [float(np.log10(end)) for end in limits] if log else list(limits)
    looks = {"type": "log", "exponentformat": "power", "dtick": _decades(ends)} if log else {"type": "linear"}
    return {"title": {"text": words(title)}, "range": ends, "zeroline": False, **looks}


def _decades(ends: Sequence[float]) -> int:
    return max(1, round((ends[1] - ends[0]) / 6))


def swept_axis(along: Axis) -> dict[str, Any]:
    """The horizontal axis of a swept hyperparameter."""
    title = along.name + (" (values at equal distances)" if along.steps and along.joined else "")
    found = scaled(along.limits, title, log=along.log)
    if along.steps or len(along.values) <= FEW:
        found.pop("dtick", None)
        found |= {"tickvals": along.positions.tolist(), "ticktext": [words(numbers.hyperparameter(v)) for v in along.values]}
    return found


def point_words(results: Results, view: SweepView, number: int) -> str:
    """View, number and hyperparameters of a point, for a hover text."""
    point: Mapping[str, Any] = view.points[number]
    values = "".join(f"<br>{words(text_of({name: value}))}" for name, value in point.items())
    return f"{words(label(results, view.name))}, point {number}{values}"


def traces(results: Results, metric: str, line: Line, bottom: float, *, joined: bool) -> list[Trace]:
    """One line: its single replicates, its intervals and its means.

    Args:
        results: of a sweep.
        metric: which; a view without it has no traces.
        line: where and how.
        bottom: lower end of a logarithmic axis, below which an interval is cut off; -inf of a linear one.
        joined: whether a line may join neighbours.
    """
    if metric not in line.view.values or not line.numbers:
        return []
    values = line.view.values[metric][:, line.numbers]
    found = summary(values, results.study.analysis.confidence)
    level, heads = numbers.percent(results.study.analysis.confidence), [point_words(results, line.view, n) for n in line.numbers]
    low, high = (np.where(np.isnan(end), np.nan, np.maximum(end, bottom)) for end in (found.low, found.high))
    own = list(line.groups[:-1])
    made: list[Trace] = []
    if joined and np.isfinite(low).sum() > 1:
        made.append(band(line.x, low, high, faded(line.colour, 0.18), own))
    made.append(_replicates(metric, line, values, heads))
    texts = [
        f"{head}<br>mean {words(metric)} of {n} replicates {numbers.general(mean, 6)}{interval(lo, hi, level)}"
        for head, n, mean, lo, hi in zip(heads, *(row.tolist() for row in _columns(found)), strict=True)
    ]
    mean: Trace = {
        "type": "scatter",
        "mode": "lines+markers" if joined else "markers",
        "x": line.x,
        "y": found.mean,
        "line": {"width": 2.5, "color": line.colour, "dash": line.dash},
        "marker": {"size": 9, "symbol": line.symbol, "color": line.colour},
        "meta": own,
    }
    if not (joined and np.isfinite(low).sum() > 1):
        ends = {"array": high - found.mean, "arrayminus": found.mean - low}
        mean["error_y"] = {"type": "data", "symmetric": False, **ends, "color": line.colour, "thickness": 2, "width": 0}
    return [*made, hover(mean, texts)]


def _replicates(metric: str, line: Line, values: Floats, heads: Sequence[str]) -> Trace:
    where = np.argwhere(~np.isnan(values)).tolist()
    texts = [
        f"{heads[at]}<br>replicate {replicate}: {words(metric)} {numbers.general(float(values[replicate, at]), 6)}"
        for replicate, at in where
    ]
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [float(line.x[at]) for _, at in where],
        "y": [float(values[replicate, at]) for replicate, at in where],
        "marker": {"size": 5, "symbol": line.symbol, "color": faded(line.colour, 0.55)},
        "meta": list(line.groups),
    }
    return hover(trace, texts)


def _columns(found: Any) -> tuple[Any, ...]:
    return found.replicates, found.mean, found.low, found.high
