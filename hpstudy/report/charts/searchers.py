"""Each view with each searcher: mean best-so-far curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hpstudy.analysis.baselines.searchers import SearchedBy
from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.charts.axes import best_axis, best_limits, crowded, first_trials, outside, trial_axis
from hpstudy.report.charts.grid import PANELS, in_grid, parts
from hpstudy.report.charts.intervals import NO_INTERVALS, has_intervals, mean_curve, trials
from hpstudy.report.charts.marks import Mark
from hpstudy.report.charts.model import Chart, Data, Entry, Panel
from hpstudy.report.charts.views import bands_first, every, target, target_entry
from hpstudy.report.charts.words import along, confidence, label
from hpstudy.report.csvs import Row, numbered


def charts(results: Results) -> Iterator[Chart]:
    """A panel for each started view, with a common axis in each figure."""
    searched = results.searchers.views if results.searchers is not None else ()
    by_view = {view: [one for one in searched if one.view == view] for view in results.study.views}
    started = [of for of in by_view.values() if any(np.isfinite(one.curve.mean).any() for one in of)]
    alike = " If the comparison does not depend on the searcher, all lines change in the same way from one panel to another."
    for name, part in parts("searchers", started, PANELS):
        columns, curves = min(len(part), 2), [one.curve for of in part for one in of]
        ends = [end for curve in curves for end in (curve.mean, curve.low, curve.high)]
        limits = best_limits(results, *(end[crowded(*ends) :] for end in ends))
        panels = [_panel(results, of, limits) for of in part]
        targets = [target_entry(results)] if target(results, limits) else []
        yield Chart(
            name,
            in_grid(panels, columns, shared=True),
            f"Best {results.study.metric.name} so far of each view with each searcher.",
            f"Means over replicates{_intervals(results, part)}{alike if results.pairs else ''}{outside(first_trials, *panels)}",
            Data.of(results, searcher_curves),
            2.9 if columns == 1 else 2.4 * -(-len(part) // columns),
            legend=(*(Entry(name, *style.look(index)) for index, name in enumerate(_names(results))), *targets),
        )


def _intervals(results: Results, shown: Sequence[Sequence[SearchedBy]]) -> str:
    """The explanation of the intervals, after the means."""
    drawn = has_intervals(one.curve.low for of in shown for one in of)
    return f" with pointwise {confidence(results)} bootstrap intervals." if drawn else f". {NO_INTERVALS}"


def _names(results: Results) -> list[str]:
    return [results.study.search.searcher, *(other.searcher for other in results.study.search.others)]


def _panel(results: Results, searched: Sequence[SearchedBy], limits: tuple[float, float]) -> Panel:
    names, budget = _names(results), results.study.search.trials
    view = label(results, searched[0].view)
    marks: list[Mark] = [*target(results, limits, (len(names),))]
    for one in searched:
        index, curve = names.index(one.searcher), one.curve
        marks += mean_curve(
            trials(curve.mean),
            (curve.mean, curve.low, curve.high),
            style.look(index),
            alpha=0.15,
            size=4,
            groups=(index,),
            every=every(index, len(names), budget),
            hover=along(results, f"{view}, {one.searcher}", curve.mean, curve.low, curve.high),
        )
    return Panel(trial_axis(budget), best_axis(results, limits), bands_first(marks), title=view, title_align="left")


def searcher_curves(results: Results) -> Iterator[Row]:
    """The mean best-so-far curve of each view with each searcher."""
    yield "view", "searcher", "trials", "searches", "mean", "low", "high"
    for one in results.searchers.views if results.searchers is not None else ():
        curve = one.curve
        yield from numbered((one.view, one.searcher), curve.searches, curve.mean, curve.low, curve.high)
