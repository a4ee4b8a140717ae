"""Forest plot of many comparisons: one row for each difference and its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hpstudy.analysis.comparisons.margin import Side
from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.charts.axes import around_zero, row_axis
from hpstudy.report.charts.grid import ROW, TALLEST, in_grid
from hpstudy.report.charts.intervals import NO_INTERVALS, estimate, has_intervals
from hpstudy.report.charts.marks import Mark, Marker, Rule
from hpstudy.report.charts.model import Axis, Chart, Data, Panel
from hpstudy.report.charts.views import aside
from hpstudy.report.charts.words import confidence, difference, filled, metric
from hpstudy.report.csvs import Row
from hpstudy.report.labels import LONGEST, cut
from hpstudy.report.overview import OBSERVED, one_reference, standings

MUTED = style.gray(0.55)
"""Color of a difference that is not shown."""


def chart(results: Results) -> Chart:
    """The differences in trials-to-target, if there is a target, and next to them those of the final best."""
    rows, upward = standings(results), results.study.metric.goal == "maximize"
    trials = [(t.difference, t.low, t.high) if (t := row.trials) is not None else None for row in rows]
    final = [(d.mean, d.low, d.high) if (d := row.final) is not None else None for row in rows]
    panels = []
    if any(trials):
        ends = ("fewer trials", "more trials")
        panels.append(_panel(results, "difference in\ntrials-to-target", trials, [row.trials_side for row in rows], ends))
    ends = ("worse", "better") if upward else ("better", "worse")
    label = filled("difference of the final best\n{}", metric(results, LONGEST))
    panels.append(_panel(results, label, final, [row.final_side for row in rows], ends))
    data, lines = Data.of(results, overview), max(name.count("\n") + 1 for name in _names(results))
    return Chart(
        "overview",
        in_grid(panels, 2, shared=True),
        *caption_and_reading(results),
        data,
        1.0 + min(ROW * lines * len(rows), TALLEST),
    )


def _panel(
    results: Results,
    label: str,
    intervals: Sequence[tuple[float, float, float] | None],
    sides: Sequence[Side | None],
    directions: tuple[str, str],
) -> Panel:
    """One interval in each row; a difference that is not shown is gray with an open marker.

    Args:
        results: of the study.
        label: label of the axis.
        intervals: (estimate, low, high) of every row; None for an empty row.
        sides: for every row, the side of 0 on which the difference is shown to lie.
        directions: meaning of values below and above 0.
    """
    names = _names(results)
    marks: list[Mark] = [Rule(axis="x", at=0.0, color=style.INK, dash="dash")]
    for row, (ends, side) in enumerate(zip(intervals, sides, strict=True)):
        if ends is not None:
            head = f"{names[row]}\n{' '.join(label.split())}"
            color, marker = (style.INK, Marker(size=4.5)) if side else (MUTED, Marker(size=4.5, fill="paper"))
            marks += estimate(results, ends, row, color, marker, head, width=1.5)
    marks.append(aside(f"← {directions[0]}", 0.0, 1.0, "left", "bottom", up=4.0))
    marks.append(aside(f"{directions[1]} →", 1.0, 1.0, "right", "bottom", up=4.0))
    values = np.array([end for ends in intervals if ends is not None for end in ends])
    return Panel(Axis(label, around_zero(values), grid=True), row_axis(names), tuple(marks))


def _names(results: Results) -> list[str]:
    """The labels of the rows."""
    alone = one_reference(results)
    return [cut(row.pair.a, LONGEST) if alone else difference(row.pair.a, row.pair.b) for row in standings(results)]


def caption_and_reading(results: Results) -> tuple[str, str]:
    """The caption and the explanation of the figure."""
    pairs = results.pairs
    of = f"each view and {pairs[0].b}" if one_reference(results) else "the views of each comparison"
    with_trials = any(row.trials is not None for row in standings(results))
    what = "restricted mean trials-to-target, and final best" if with_trials else "final best"
    caption = f"Differences between {of}, first minus second: {what}."
    lows = (one.low for row in standings(results) for one in (row.trials, row.final) if one is not None)
    reading = f"A bar is the {confidence(results)} interval of one comparison, not adjusted for their number."
    if not has_intervals(lows):
        return caption, f"A marker is the difference in one replicate. {NO_INTERVALS}"
    if results.declared:
        return caption, f"{reading} {OBSERVED}"
    reading += " Black: the difference is shown, also by the test that is adjusted for all comparisons. Gray and open: not shown."
    return caption, reading


def overview(results: Results) -> Iterator[Row]:
    """Each comparison, A minus B, in the order of the figure."""
    yield "a", "b", "trials", "trials_low", "trials_high", "trials_detectable", "final", "final_low", "final_high", "final_p_holm"
    for row in standings(results):
        trials, final = row.trials, row.final
        of_trials = ("",) * 4 if trials is None else (trials.difference, trials.low, trials.high, trials.detectable)
        of_final = ("",) * 4 if final is None else (final.mean, final.low, final.high, final.adjusted)
        yield row.pair.a, row.pair.b, *of_trials, *of_final
