"""Interquartile means of the best so far, next to the means."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.report import overview, style
from hpstudy.report.charts.axes import EARLIEST, best_axis, best_limits, crowded, first_trials, late, outside, trial_axis
from hpstudy.report.charts.grid import beside_reference, in_grid, reference_words, split_by_view
from hpstudy.report.charts.intervals import NO_INTERVALS, has_intervals, mean_curve, trials
from hpstudy.report.charts.marks import Mark
from hpstudy.report.charts.model import Chart, Data, Panel
from hpstudy.report.charts.views import bands_first, entries, every
from hpstudy.report.charts.words import along, confidence, label
from hpstudy.report.csvs import Row, numbered


def chart(results: Results, supplement: Supplement) -> Chart:
    """Means in one panel and interquartile means in another; with many views only the latter, in a panel for each view."""
    many, count, budget = overview.many_views(results), len(results.views), results.study.search.trials
    means = [(view.curve.mean, view.curve.low, view.curve.high) for view in results.views]
    middles = [(view.iqm.iqm, view.iqm.low, view.iqm.high) for view in supplement.views]
    curves = middles if many else [*means, *middles]
    first = late(results)[0] - 1 if many else crowded(*(end for ends in curves for end in ends), least=EARLIEST)
    axes = trial_axis(budget), best_axis(results, best_limits(results, *(end[first:] for ends in curves for end in ends)))

    def panel(name: str, ends: list[tuple[Floats, Floats, Floats]]) -> Panel:
        marks = bands_first(mark for index in range(count) for mark in _curve(results, name, ends, index))
        return Panel(*axes, marks, title=name)

    panels = [panel("interquartile mean", middles)]
    if not many:
        panels.insert(0, panel("mean", means))
    drawn = has_intervals(low for _, low, _ in curves)
    kinds = f"Pointwise {confidence(results)} bootstrap intervals: percentile for interquartile means, BCa for means."
    intervals = kinds if drawn else NO_INTERVALS
    reading = (
        "The interquartile mean is the mean of the middle half of the searches. A quarter at each end, in whole searches, is left out, so "
        f"a few outliers do not change it. {intervals}"
    )
    reading += outside(first_trials, *panels)
    if many:
        reading += reference_words(results, "the interquartile mean")
    chart = Chart(
        "iqm",
        in_grid(panels, 2, shared=True),
        f"{'Interquartile mean' if many else 'Mean and interquartile mean'} of the best {results.study.metric.name} so far.",
        reading,
        Data.of(results, iqm_curves),
        2.5,
        legend=tuple(entries(results)),
    )
    curve = partial(_curve, results, "interquartile mean", middles)
    return split_by_view(results, chart, lambda index: Panel(*axes, beside_reference(results, curve, index)))


def _curve(results: Results, name: str, ends: list[tuple[Floats, Floats, Floats]], index: int) -> tuple[Mark, ...]:
    """One curve of a view with its interval."""
    head = f"{label(results, results.views[index].name)}, {name} of the best so far"
    x, marked = trials(ends[index][0]), every(index, len(results.views), results.study.search.trials)
    hover = along(results, head, *ends[index])
    return mean_curve(x, ends[index], style.look(index), alpha=0.18, size=3.5, groups=(index,), every=marked, hover=hover)


def iqm_curves(results: Results) -> Iterator[Row]:
    """The interquartile mean of every view's best-so-far curves."""
    yield "view", "trials", "searches", "iqm", "low", "high"
    for view in results.supplement.views if results.supplement else ():
        curve = view.iqm
        yield from numbered((view.name,), curve.searches, curve.iqm, curve.low, curve.high)
