"""Best-so-far curves: every search a thin line that can be asked, and the mean of each view with its band."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpstudy.analysis.arrays import STATES
from hpstudy.analysis.results import Results, ViewResult
from hpstudy.report import numbers, style
from hpstudy.report.figures import progress
from hpstudy.report.figures.swept import text_of
from hpstudy.report.interactive.spec import (
    INK,
    Entry,
    Interactive,
    Panel,
    Trace,
    band,
    dash,
    faded,
    hover,
    hover_points,
    interval,
    label,
    one_plot,
    symbol,
    trial_axis,
    view_entries,
    words,
)
from hpstudy.report.wording import level_text

EVERY_TRIAL_UP_TO = 20_000
"""Trials of the study up to which each can be asked; of more, only those that changed their search's best."""

MOST_SEARCHES = 400
"""Thin lines of one view; of more searches evenly spread ones are drawn, so that a browser keeps up."""


def best_so_far(results: Results, part: int) -> Interactive | None:
    """The interactive form of `figures.draw_progress`, which has one part."""
    del part
    views, count = results.views, len(results.views)
    legend = [*view_entries(results), Entry("single searches", dash="solid"), Entry("intervals of the means")]
    every = sum(view.best.size for view in views) <= EVERY_TRIAL_UP_TO
    chosen = {view.name: spread(view.best.shape[0]) for view in views}
    traces = [searches(results, view, index, chosen[view.name], (index, count), every=every) for index, view in enumerate(views)]
    for index, view in enumerate(views):
        trial = np.arange(1, view.best.shape[1] + 1)
        traces.append(band(trial, view.curve.low, view.curve.high, faded(style.colour(index), 0.25), (index, count + 1)))
    traces += [_mean(results, view, index) for index, view in enumerate(views)]
    traces += [trace for index, view in enumerate(views) if (trace := _best(results, view, index)) is not None]
    low, high = progress.value_limits(results)
    if (target := target_line(results, (low, high), len(legend), results.study.search.trials)) is not None:
        traces.append(target)
        legend.append(Entry(f"target: {level_text(results)}", dash="dot"))
    metric = words(results.study.metric.name)
    panel = Panel(
        "",
        tuple(traces),
        trial_axis(results.study.search.trials),
        {"title": {"text": f"best {metric} so far"}, "range": [low, high], "zeroline": False},
    )
    note = f"{one_plot(results)}A star is the best trial of its view."
    for view in views:
        if len(chosen[view.name]) < view.best.shape[0]:
            note += f" {view.name}: {len(chosen[view.name])} of {view.best.shape[0]} searches are drawn, evenly spread."
    if not every:
        note += " A search can be asked at the trials that changed its best."
    return Interactive((panel,), tuple(legend), note)


def spread(searches: int, most: int = MOST_SEARCHES) -> list[int]:
    """Numbers of at most `most` of the searches, evenly spread, with the first and the last one."""
    if searches <= most:
        return list(range(searches))
    return [round(step) for step in np.linspace(0, searches - 1, most).tolist()]


def searches(results: Results, view: ViewResult, index: int, chosen: list[int], groups: tuple[int, ...], *, every: bool) -> Trace:
    """All chosen searches of a view as one trace with gaps; each of its trials says what it tried.

    Args:
        results: of the study.
        view: whose `best` is (replicates x trials).
        index: its number in the study.
        chosen: numbers of the replicates.
        groups: legend entries.
        every: whether each trial is a point of the line; else only the corners are.
    """
    xs: list[int | None] = []
    ys: list[float | None] = []
    texts: list[str] = []
    points: list[dict[str, Any] | None] = []
    name = words(label(results, view.name))
    for replicate in chosen:
        row = view.best[replicate]
        known = np.flatnonzero(~np.isnan(row))
        if not known.size:
            continue
        if not every:
            changed = np.r_[True, np.diff(row[known]) != 0]
            changed[-1] = True
            known = known[changed]
        for number in known.tolist():
            xs.append(number + 1)
            ys.append(float(row[number]))
            texts.append(
                f"{name}<br>replicate {replicate}, trial {number + 1}<br>{_own(view, replicate, number)}"
                f"best so far {numbers.general(float(row[number]), 6)}"
            )
            points.append(view.point(replicate, number))
        xs.append(None)
        ys.append(None)
        texts.append("")
        points.append(None)
    alpha = max(0.04, min(0.5, 14 / max(1, len(chosen))))
    line = {"width": 1, "shape": "hv", "color": faded(style.colour(index), alpha)}
    trace: Trace = {"type": "scatter", "mode": "lines", "x": xs[:-1], "y": ys[:-1], "line": line, "meta": list(groups)}
    return hover_points({**trace, "name": name, "connectgaps": False}, texts[:-1], points[:-1])


def _own(view: ViewResult, replicate: int, number: int) -> str:
    value = float(view.searches.values[replicate, number])
    if np.isnan(value):
        return f"this trial: {STATES[view.searches.states[replicate, number]].replace('_', ' ')}<br>"
    return f"this trial {numbers.general(value, 6)}<br>"


def _mean(results: Results, view: ViewResult, index: int) -> Trace:
    level = numbers.percent(results.study.analysis.confidence)
    curve, name = view.curve, words(label(results, view.name))
    texts = [
        f"{name}, mean of {n} searches<br>trial {place + 1}: {numbers.general(mean, 6)}{interval(low, high, level)}"
        for place, (n, mean, low, high) in enumerate(
            zip(curve.searches.tolist(), curve.mean.tolist(), curve.low.tolist(), curve.high.tolist(), strict=True)
        )
    ]
    colour = style.colour(index)
    trace: Trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(range(1, len(texts) + 1)),
        "y": curve.mean,
        "line": {"width": 3, "color": colour, "dash": dash(index)},
        "marker": {"size": 7, "symbol": symbol(index), "color": colour, "maxdisplayed": 14},
        "meta": [index],
    }
    return hover(trace, texts)


def _best(results: Results, view: ViewResult, index: int) -> Trace | None:
    """A star at the best trial of a view, whose hover text holds its hyperparameters."""
    found = view.best_trial
    if found is None:
        return None
    point = "".join(f"<br>{words(text_of({name: value}))}" for name, value in found.point.items())
    text = (
        f"best trial of {words(label(results, view.name))}: {numbers.general(found.value, 6)}"
        f"<br>replicate {found.replicate}, trial {found.number + 1}{point}"
    )
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [found.number + 1],
        "y": [found.value],
        "marker": {"size": 13, "symbol": "star", "color": style.colour(index), "line": {"width": 1, "color": INK}},
        "meta": [index],
    }
    return hover(trace, [text])


def target_line(results: Results, limits: tuple[float, float], entry: int, end: float, start: float = 1) -> Trace | None:
    """The target where it lies within the axis; None when it does not."""
    level = results.level.value if results.level is not None else None
    if level is None or not limits[0] <= level <= limits[1]:
        return None
    trace: Trace = {
        "type": "scatter",
        "mode": "lines",
        "x": [start, end],
        "y": [level, level],
        "line": {"width": 1.5, "dash": "dot", "color": INK},
        "meta": [entry],
    }
    return hover(trace, [f"target: {words(level_text(results))}"] * 2)
