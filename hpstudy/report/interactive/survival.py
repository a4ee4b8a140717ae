"""Kaplan-Meier curves of trials-to-target."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.survival import Survival
from hpstudy.report import numbers, style
from hpstudy.report.interactive.spec import (
    Entry,
    Interactive,
    Panel,
    Trace,
    band,
    dash,
    faded,
    hover,
    interval,
    label,
    one_plot,
    trial_axis,
    view_entries,
    words,
)


def trials_to_target(results: Results, part: int) -> Interactive | None:
    """The interactive form of `figures.draw_survival`, which has one part."""
    del part
    count = len(results.views)
    level = numbers.percent(results.study.analysis.confidence)
    traces: list[Trace] = []
    for index, view in enumerate(results.views):
        if view.trials is not None:
            name = words(label(results, view.name))
            traces += _curve(view.trials.survival, len(view.trials.times.trials), name, index, count, level)
    if not traces:
        return None
    trials = results.study.search.trials
    panel = Panel(
        "",
        tuple(traces),
        trial_axis(trials, first=0),
        {"title": {"text": "share of searches<br>without the target"}, "range": [-0.03, 1.04], "zeroline": False},
    )
    legend = (*view_entries(results), Entry("intervals"))
    return Interactive((panel,), legend, f"{one_plot(results)}The number at risk stands in the text at each trial.")


def _curve(curve: Survival, searches: int, name: str, index: int, intervals: int, level: str) -> list[Trace]:
    """One view's interval, steps and censor ticks.

    Args:
        curve: (trials,) of the view.
        searches: how many the view has.
        name: of the view, escaped.
        index: its number in the study, and its place in the legend.
        intervals: place of the intervals in the legend.
        level: of the intervals, in words.
    """
    colour, horizon = style.colour(index), len(curve.share)
    share = np.r_[1.0, curve.share]
    low, high = (np.where(np.isnan(whole := np.r_[1.0, end]), share, whole) for end in (curve.low, curve.high))
    corners = np.repeat(np.arange(horizon + 1, dtype=np.float64), 2)[1:]
    texts = [f"{name}<br>{searches} searches begin"] + [
        f"{name}<br>after {place + 1} trials {numbers.percent(s)} have not reached the target{interval(lo, hi, level)}"
        f"<br>at risk {risk}, reached {reached}, censored {censored}"
        if np.isfinite(s)
        else ""
        for place, (s, lo, hi, risk, reached, censored) in enumerate(zip(*(row.tolist() for row in _columns(curve)), strict=True))
    ]
    line: Trace = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(range(horizon + 1)),
        "y": share,
        "line": {"width": 2.5, "shape": "hv", "color": colour, "dash": dash(index)},
        "meta": [index],
    }
    found = [
        band(corners, _steps(low), _steps(high), faded(colour, 0.16), (index, intervals)),
        hover(line, texts),
    ]
    if (censored := np.flatnonzero(curve.censored)).size:
        ticks: Trace = {
            "type": "scatter",
            "mode": "markers",
            "x": censored + 1,
            "y": curve.share[censored],
            "marker": {"symbol": "line-ns-open", "size": 11, "color": colour, "line": {"width": 2}},
            "cliponaxis": False,
            "meta": [index],
        }
        found.append(hover(ticks, [texts[number + 1] for number in censored.tolist()]))
    return found


def _columns(curve: Survival) -> tuple[Any, ...]:
    return curve.share, curve.low, curve.high, curve.at_risk, curve.reached, curve.censored


def _steps(values: npt.ArrayLike) -> Floats:
    """(points,) values as the corners of their steps, (2 points - 1,)."""
    return np.repeat(np.asarray(values, dtype=np.float64), 2)[:-1]
