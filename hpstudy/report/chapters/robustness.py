"""Whether the answer hangs on one replicate, on how failures count, on the ends of the ranges, or on counting trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.comparisons.sensitivity import LeaveOneOut
from hpstudy.analysis.curves.anytime import Mean
from hpstudy.analysis.exploration.range_ends import MARGIN
from hpstudy.analysis.extended import Extended, PairExtended
from hpstudy.analysis.results import PairResult, Results
from hpstudy.report import numbers, style
from hpstudy.report.csvs import Row
from hpstudy.report.labels import label, name
from hpstudy.report.model import Block, Drawing, Paragraph, Section, Table
from hpstudy.report.tables import interval

MOST_PAIRS = 12
"""Comparisons in the figure of replicates left out; the CSV file has all."""


def leave_one_out(results: Results) -> Iterator[Row]:
    """Every mean difference without each of its replicates; the row without a replicate is the mean over all of them."""
    yield "a", "b", "difference_of", "replicate_left_out", "mean"
    for pair, more in _pairs(results):
        for what, found in _left_out(more):
            yield pair.a, pair.b, what, "", found.full
            for replicate, mean in zip(pair.replicates.tolist(), found.means.tolist(), strict=True):
                yield pair.a, pair.b, what, replicate, mean


def best_by_seconds(results: Results) -> Iterator[Row]:
    """The mean best so far of every view against seconds of training."""
    yield "view", "seconds", "mean", "low", "high"
    if results.extended is None or results.extended.seconds is None:
        return
    seconds = results.extended.seconds.tolist()
    for view in results.extended.views:
        if view.cost is not None:
            columns = (column.tolist() for column in (view.cost.mean, view.cost.low, view.cost.high))
            for row in zip(seconds, *columns, strict=True):
                yield view.name, *row


TABLES = {"leave_one_out": leave_one_out, "best_by_seconds": best_by_seconds}


def chapter(results: Results) -> Iterator[Section]:
    """Each way in which the answer could be an accident of how it was asked."""
    if (found := results.extended) is None or not found.views:
        return
    parts = (
        ("One replicate left out", _one_left_out(results)),
        ("Trials without a value", _policies(results)),
        ("Best points at the ends of their ranges", _boundaries(results, found)),
        ("Equal seconds of training instead of equal trials", _costs(results, found)),
    )
    if not any(blocks for _, blocks in parts):
        return
    yield Section("Robustness", ())
    for title, blocks in parts:
        if blocks:
            yield Section(title, tuple(blocks), level=2)


def _pairs(results: Results) -> list[tuple[PairResult, PairExtended]]:
    found = results.extended
    return [] if found is None else [both for both in zip(results.pairs, found.pairs, strict=True) if both[1].budgets]


def _left_out(more: PairExtended) -> Iterator[tuple[str, LeaveOneOut]]:
    if more.trials_without_one is not None:
        yield "trials_to_target", more.trials_without_one
    if more.without_one is not None:
        yield "final_best", more.without_one


def _one_left_out(results: Results) -> list[Block]:
    rows = []
    for pair, more in _pairs(results):
        for what, found in _left_out(more):
            text = _unit(results, what)
            rows.append(
                (
                    f"{pair.a} − {pair.b}",
                    "trials-to-target" if what == "trials_to_target" else f"best {results.study.metric.name}",
                    text(found.full),
                    f"{text(found.low)} to {text(found.high)}",
                    str(int(pair.replicates[found.replicate])),
                    "yes" if found.one_sided else "no",
                )
            )
    if not rows:
        return []
    head = ("A − B", "difference of", "all replicates", "one left out", "most moved by replicate", "all on one side of 0")
    note = "Smallest and largest mean difference when each replicate in turn is left out with all its views (counted from 0)."
    return [
        _left_out_drawing(results),
        Table("Mean differences with one replicate left out.", head, tuple(rows), left=2, note=note),
    ]


def _left_out_drawing(results: Results) -> Drawing:
    shown = _pairs(results)[:MOST_PAIRS]
    of = f" (the first {MOST_PAIRS} comparisons)" if len(_pairs(results)) > MOST_PAIRS else ""
    return Drawing(
        "leave_one_out",
        lambda: _left_out_figure(results, shown),
        f"Mean differences with one replicate left out{of}.",
        "A dot is the mean difference without one replicate, the open marker that of all; dots on both sides of 0 mean that a "
        "single replicate decides the sign.",
        ("leave_one_out",),
    )


def _left_out_figure(results: Results, pairs: list[tuple[PairResult, PairExtended]]) -> Figure:
    kinds = [
        what for what in ("trials_to_target", "final_best") if any(what == own for _, more in pairs for own, _ in _left_out(more))
    ]
    figure = Figure(figsize=(style.WIDTH, 0.9 + 0.35 * len(pairs)), layout="constrained")
    panels = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    for axes, what in zip(panels, kinds, strict=True):
        for place, (_, more) in enumerate(pairs):
            for own, found in _left_out(more):
                if own == what:
                    axes.plot(found.means, place + _apart(len(found.means)), "o", color="0.35", markersize=3, alpha=0.6)
                    axes.plot(found.full, place, "D", color="white", markeredgecolor="black", markersize=5, zorder=3)
        axes.axvline(0, color="black", linewidth=0.8, linestyle=(0, (4, 2)))
        metric = style.plain(results.study.metric.name, "value")
        axes.set_xlabel("difference of trials-to-target" if what == "trials_to_target" else f"difference of the best {metric}")
        axes.set_ylim(len(pairs) - 0.5, -0.5)
        axes.set_yticks(range(len(pairs)), [f"{name(pair.a)} − {name(pair.b)}" for pair, _ in pairs])
    return figure


def _apart(dots: int) -> Floats:
    """Small shifts that part dots of equal value."""
    return np.asarray(((np.arange(dots) * (np.sqrt(5) - 1) / 2) % 1 - 0.5) * 0.4, dtype=np.float64)


def _policies(results: Results) -> list[Block]:
    pairs = _pairs(results)
    if not pairs:
        return []
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    rows = []
    for pair, more in pairs:
        if not any(found.left_out for found in more.policies):
            continue
        for found in more.policies:
            row = [
                f"{pair.a} − {pair.b}",
                "spent" if found.policy == "worst" else f"not counted ({numbers.count(found.left_out)})",
            ]
            if results.level is not None and results.level.value is not None:
                row += _trials(found.trials)
            first = found.budgets[0]
            rows.append((*row, numbers.metric(first.value, decimals), interval(first.low, first.high, decimals)))
    if not rows:
        return [Paragraph("Every trial of the compared searches gave a value: there is no choice in how failures count.")]
    times = ("trials-to-target", f"{level} CI") if len(rows[0]) > 4 else ()
    head = ("A − B", "a trial without a value is", *times, f"best after {results.budgets[0]}", f"{level} CI")
    note = (
        "Spent: a trial without a value counts like any other, and before the first value as the worst value of the study. Not "
        "counted: the later trials close up, as if it had cost nothing. The final best is the same either way, up to searches "
        "without any value."
    )
    return [Table("Differences under two ways of counting trials without a value.", head, tuple(rows), left=2, note=note)]


def _trials(mean: Mean | None) -> list[str]:
    if mean is None:
        return [numbers.MISSING, numbers.MISSING]
    ends = numbers.MISSING if mean.low != mean.low else f"{numbers.trials(mean.low)} to {numbers.trials(mean.high)}"
    return [numbers.trials(mean.value), ends]


def _boundaries(results: Results, found: Extended) -> list[Block]:
    rows = [
        (
            view.name if hits is view.boundaries[0] else "",
            hits.name,
            str(hits.searches),
            str(hits.at_low),
            str(hits.at_high),
            f"{round(100 * hits.share)} %",
            f"{round(100 * hits.low)} % to {round(100 * hits.high)} %",
        )
        for view in found.views
        for hits in view.boundaries
        if hits.searches
    ]
    if not rows:
        return []
    edge = numbers.percent(MARGIN)
    note = (
        f"Searches whose best point lies within {edge} of the (log) range of its lower or upper end. Points spread evenly over a "
        f"wide range would lie there in {numbers.percent(2 * MARGIN)}; whole numbers of a short range do so more often. A higher "
        "share says that the range cuts off good values, or that the hyperparameter matters little."
    )
    head = ("view", "hyperparameter", "searches", "at the low end", "at the high end", "share", f"{_level(results)} CI")
    return [Table("Best points at the ends of their ranges.", head, tuple(rows), left=2, note=note)]


def _costs(results: Results, found: Extended) -> list[Block]:
    shown = [view for view in found.views if view.cost is not None]
    if not shown:
        return []
    rows = tuple(
        (view.name, *_seconds(view.cost.search_s), *_seconds(view.cost.ask_s)) for view in shown if view.cost is not None
    )
    level = _level(results)
    head = ("view", "training", f"{level} CI", "choosing points", f"{level} CI")
    note = "Wall time of a complete search, mean over searches. It holds for the machine and the load of the day."
    if found.unrecorded:
        note += f" {numbers.count(found.unrecorded)} finished trials have no record of their time and count as 0 s."
    blocks: list[Block] = [_cost_drawing(results, found), Table("Seconds of a search.", head, rows, note=note)]
    if (compared := _cost_table(results)) is not None:
        blocks.append(compared)
    return blocks


def _cost_table(results: Results) -> Table | None:
    decimals = numbers.decimals_of(results)
    rows = []
    for pair, more in _pairs(results):
        if more.cost is None:
            continue
        for place, (seconds, mean) in enumerate(zip(more.cost.seconds, more.cost.differences, strict=True)):
            rows.append(
                (
                    "" if place else f"{pair.a} − {pair.b}",
                    numbers.duration(seconds),
                    numbers.metric(mean.value, decimals),
                    interval(mean.low, mean.high, decimals),
                    "" if place else f"× {numbers.general(more.cost.ratio_s, 2)}",
                )
            )
    if not rows:
        return None
    note = (
        "Paired replicates. The later time is the longest that all searches of both views have trained, the other is half of it "
        "where all had a trial by then. A / B: training seconds of a whole search."
    )
    head = ("A − B", "trained for", "mean", f"{_level(results)} CI", "A / B")
    return Table(f"Best {results.study.metric.name} after equal seconds of training.", head, tuple(rows), note=note)


def _cost_drawing(results: Results, found: Extended) -> Drawing:
    return Drawing(
        "best_by_seconds",
        lambda: _cost_figure(results, found),
        f"Mean best {results.study.metric.name} against seconds of training of a search.",
        f"Means over complete searches with pointwise {_level(results)} intervals, from when every search had finished a trial to "
        "when the first had finished its last; seconds spent choosing points are not counted.",
        ("best_by_seconds",),
    )


def _cost_figure(results: Results, found: Extended) -> Figure:
    figure = Figure(figsize=(style.WIDTH, 2.8), layout="constrained")
    axes = figure.add_subplot()
    assert found.seconds is not None, "there is no curve without a grid of seconds"
    for index, view in enumerate(found.views):
        if view.cost is not None:
            _cost_line(axes, found.seconds, index, view.cost.mean, view.cost.low, view.cost.high, label(results, view.name))
    handles, names = axes.get_legend_handles_labels()
    style.legend_above(axes, handles, names)
    axes.set_xlabel("seconds of training")
    axes.set_ylabel(f"best {style.plain(results.study.metric.name, 'value')} so far")
    style.guides(axes)
    return figure


def _cost_line(axes: Axes, seconds: Floats, index: int, mean: Floats, low: Floats, high: Floats, text: str) -> None:
    colour = style.colour(index)
    axes.fill_between(seconds, low, high, color=colour, alpha=0.2, linewidth=0, step="post")
    axes.plot(
        seconds,
        mean,
        color=colour,
        linestyle=style.line(index),
        drawstyle="steps-post",
        marker=style.marker(index),
        markersize=4,
        markevery=(2 * index, 10),
        label=text,
    )


def _seconds(mean: Mean) -> tuple[str, str]:
    ends = numbers.MISSING if mean.low != mean.low else f"{numbers.duration(mean.low)} to {numbers.duration(mean.high)}"
    return numbers.duration(mean.value), ends


def _unit(results: Results, what: str) -> Callable[[float], str]:
    """How a difference of this kind is written."""
    if what == "trials_to_target":
        return numbers.trials
    decimals = numbers.decimals_of(results)
    return lambda value: numbers.metric(value, decimals)


def _level(results: Results) -> str:
    return numbers.percent(results.study.analysis.confidence)
