"""Confirmed curves with the best so far, and paired differences of the confirmed curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.comparisons.budgets import Difference, difference_curve
from hpstudy.analysis.confirmed.curves import ConfirmedCurve
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.charts import difference
from hpstudy.report.charts.axes import EARLIEST, around, crowded, first_trials, outside, trial_axis
from hpstudy.report.charts.grid import in_grid
from hpstudy.report.charts.intervals import has_intervals, mean_curve, trials
from hpstudy.report.charts.marks import Line, Mark
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.charts.views import bands_first, entries, every
from hpstudy.report.charts.words import along, confidence, filled, label, metric
from hpstudy.report.csvs import Row, numbered
from hpstudy.report.limits import has_band
from hpstudy.report.notation import Notation
from hpstudy.report.wording import run_text

COMPARED = 3
"""Maximum number of comparisons with a panel; with the curves they fill two rows of a figure."""

IN_A_ROW = 3
"""Maximum number of panels in one row; four panels have two rows of two."""


def chart(results: Results) -> Chart:
    """The mean confirmed curve and mean best so far of every view, then paired differences of the confirmed curves."""
    compared = list(_differences(results))[:COMPARED]
    panels = [_curves(results), *(difference.panel(results, *item, confirmed=True) for item in compared)]
    views, banded = len(results.confirmed), has_intervals(curve.mean.low for curve in results.confirmed)
    legend = (
        *(replace(entry, dash="solid") for entry in entries(results)),
        Entry("confirmed, with pointwise interval" if banded else "confirmed", style.gray(0.2), "solid"),
        Entry("best so far, as observed", style.gray(0.2), "dot", width=1.0),
    )
    assert len(legend) == views + 2
    level = confidence(results)
    seeds = results.confirmed[0].seeds
    caption = f"Confirmed {results.study.metric.name} of the incumbent, mean on {numbers.things(seeds, 'fresh seed')}, and the best so far."
    budget = numbers.things(results.study.search.trials, "trial")
    pointwise = f" with pointwise {level} intervals" if banded and not compared else ""
    reading = (
        f"Means over replicates{pointwise}. The gap of observed (dotted) and confirmed (solid) is the optimism of selection: after "
        f"{budget} {_optimism(results)}."
    )
    if compared:
        counts = [n for _, _, n, _ in compared]
        reading += f" Differences are paired by replicate. {difference.bands(results, counts)}{_excluded(results, compared)}"
    reading += outside(first_trials, *panels)
    columns = len(panels) if len(panels) <= IN_A_ROW else 2
    return Chart(
        "confirmed",
        in_grid(panels, columns),
        caption,
        reading,
        Data.of(results, confirmed_curves, confirmed_mean_curves, confirmed_differences),
        (2.2 if columns == len(panels) else 2.0 * -(-len(panels) // columns))
        + difference.title_room((a, b) for a, b, *_ in compared),
        legend=legend,
    )


def _excluded(results: Results, compared: Sequence[tuple[str, str, int, Difference]]) -> str:
    """The trials at which the simultaneous bands exclude 0, with a leading space; "" without a band or before the study is complete."""
    parts = [
        f"{run_text(curve.excludes_zero) if curve.excludes_zero else 'no trial'} ({a} minus {b})"
        for a, b, n, curve in compared
        if has_band(results, n) and not results.provisional
    ]
    return f" The outer band excludes 0 at {', '.join(parts)}." if parts else ""


def _optimism(results: Results) -> str:
    notation = Notation(results)
    return ", ".join(f"{curve.view} {notation.value(float(curve.mean_optimism.mean[-1]))}" for curve in results.confirmed)


def _curves(results: Results) -> Panel:
    """All views in one panel; the axis covers the values of all but the first trials."""
    marks: list[Mark] = []
    columns: list[Floats] = []
    views = len(results.confirmed)
    for index, curve in enumerate(results.confirmed):
        look, best = style.look(index)._replace(dash="solid"), _observed(results, curve)
        ends = (curve.mean.mean, curve.mean.low, curve.mean.high)
        columns += [*ends, best]
        x, marked = trials(best), every(index, views, len(best))
        hover = along(results, f"{label(results, curve.view)}, confirmed", *ends)
        marks.append(Line(x=x, y=best, color=look.color, width=1.0, dash="dot", groups=(index, views + 1)))
        marks += mean_curve(x, ends, look, alpha=0.2, size=4.5, groups=(index, views), width=1.8, every=marked, hover=hover)
    first = crowded(*columns, least=EARLIEST)
    values = Axis(filled("{}", metric(results)), around(*(column[first:] for column in columns)), grid=True)
    return Panel(trial_axis(results.study.search.trials), values, bands_first(marks))


def _observed(results: Results, curve: ConfirmedCurve) -> Floats:
    """(trials,) mean best so far of the searches in the confirmed mean."""
    best = results.view(curve.view).best[curve.complete]
    return np.asarray(best.mean(axis=0) if len(best) else np.full(best.shape[1], np.nan), dtype=np.float64)


def _differences(results: Results) -> Iterator[tuple[str, str, int, Difference]]:
    """The paired difference of the confirmed curves of every comparison, with its number of replicates."""
    curves = {curve.view: curve for curve in results.confirmed}
    for pair in results.pairs:
        both = curves[pair.a].complete & curves[pair.b].complete if curves else np.zeros(0, dtype=np.bool_)
        if both.any():
            a, b = (curves[view].scored[both] for view in (pair.a, pair.b))
            yield pair.a, pair.b, int(both.sum()), difference_curve(a, b, results.endpoints.bootstrap)


def confirmed_curves(results: Results) -> Iterator[Row]:
    """Every search: the confirmed value of its incumbent at each trial, and its optimism."""
    yield "view", "replicate", "trials", "complete", "confirmed", "optimism"
    for curve in results.confirmed:
        for replicate, complete in enumerate(curve.complete.tolist()):
            flags = np.full(len(curve.confirmed[replicate]), complete)
            yield from numbered((curve.view, replicate), flags, curve.confirmed[replicate], curve.optimism[replicate])


def confirmed_mean_curves(results: Results) -> Iterator[Row]:
    """The mean confirmed curve of every view, and the mean optimism."""
    yield "view", "trials", "searches", "mean", "low", "high", "optimism", "optimism_low", "optimism_high"
    for curve in results.confirmed:
        mean, optimism = curve.mean, curve.mean_optimism
        columns = (mean.searches, mean.mean, mean.low, mean.high, optimism.mean, optimism.low, optimism.high)
        yield from numbered((curve.view,), *columns)


def confirmed_differences(results: Results) -> Iterator[Row]:
    """The paired difference of the confirmed curves of every comparison, A minus B."""
    yield difference.COLUMNS
    for a, b, n, curve in _differences(results):
        yield from difference.rows(a, b, n, curve)
