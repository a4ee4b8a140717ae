"""Runtime ECDF of every view, and its score over all trials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from hpstudy.analysis.curves.anytime import TARGETS
from hpstudy.analysis.results import Results
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.report import numbers, overview, style
from hpstudy.report.charts.axes import around, row_axis, trial_axis
from hpstudy.report.charts.grid import GRAY, ROW, TALLEST, beside_reference, reference, reference_words, split_by_view
from hpstudy.report.charts.intervals import NO_INTERVALS, estimate, has_intervals, mean_curve, trials
from hpstudy.report.charts.marks import Mark, Marker, Rule
from hpstudy.report.charts.model import Axis, Chart, Data, Panel
from hpstudy.report.charts.views import bands_first, entries, every
from hpstudy.report.charts.words import along, confidence, label
from hpstudy.report.csvs import Row, numbered
from hpstudy.report.labels import LONGEST, cut

SHARES = Axis("share of targets reached", (0.0, 1.0), grid=True)


def charts(results: Results, supplement: Supplement) -> tuple[Chart, ...]:
    """The curves next to the scores. With many views, each curve has its own panel and the scores have a separate figure."""
    count, level = len(results.views), confidence(results)
    drawn = has_intervals(view.anytime.score.low for view in supplement.views if view.anytime is not None)
    axis, curve = trial_axis(results.study.search.trials), partial(_curve, results, supplement)
    marks = bands_first(mark for index in range(count) for mark in curve(index))
    curves, scores = Panel(axis, SHARES, marks), _scores(results, supplement)
    alike = " Intervals that overlap do not show that views are alike: the differences are in the table." if results.pairs else ""
    if not overview.many_views(results):
        reading = (
            f"Curves: share of searches and targets reached after a number of trials, with pointwise {level} intervals; higher is "
            f"faster. Rows: the score with its {level} interval.{alike}"
        )
        if not drawn:
            reading = (
                "Curves: share of searches and targets reached after a number of trials; higher is faster. Rows: the score. "
                f"{NO_INTERVALS}"
            )
        return (
            Chart(
                "anytime",
                (curves, replace(scores, column=1)),
                f"Empirical distribution of runtimes (ECDF) over {TARGETS} targets, and score over all trials, of every view.",
                reading,
                Data.of(results, runtime_ecdf, anytime_scores),
                max(2.8, 1.2 + 0.22 * count),
                legend=tuple(entries(results)),
                widths=(1.7, 1),
            ),
        )
    ecdf = Chart(
        "anytime",
        (curves,),
        f"Empirical distribution of runtimes (ECDF) over {TARGETS} targets of every view.",
        f"Share of searches and targets reached after a number of trials{f', with its pointwise {level} interval' if drawn else ''}; "
        "higher is faster."
        f"{reference_words(results, 'the curve')}",
        Data.of(results, runtime_ecdf),
        2.8,
        legend=tuple(entries(results)),
    )
    return (
        split_by_view(results, ecdf, lambda index: Panel(axis, SHARES, beside_reference(results, curve, index))),
        Chart(
            "anytime_scores",
            (scores,),
            "Score over all trials of every view.",
            f"{f'A bar is the {level} interval.{alike}' if drawn else NO_INTERVALS}{reference_words(results, 'the score')}",
            Data.of(results, anytime_scores),
            0.6 + min(ROW * count, TALLEST),
        ),
    )


def _curve(results: Results, supplement: Supplement, index: int) -> tuple[Mark, ...]:
    """The curve of a view with its interval."""
    view = supplement.views[index]
    if (ratings := view.anytime) is None:
        return ()
    head = (
        f"{label(results, view.name)}, share of {TARGETS} targets reached by {numbers.things(ratings.replicates, 'search', 'es')}"
    )
    ends = (ratings.ecdf, ratings.ecdf_low, ratings.ecdf_high)
    marked, hover = every(index, len(supplement.views), len(ratings.ecdf)), along(results, head, *ends)
    x, look = trials(ratings.ecdf), style.look(index)
    return mean_curve(x, ends, look, alpha=0.18, size=3.5, stepped=True, groups=(index,), every=marked, hover=hover)


def _scores(results: Results, supplement: Supplement) -> Panel:
    """A row for the score of every view; with many views, a gray line at the score of the reference."""
    reference_index = reference(results)
    rated = [(index, view.name, view.anytime.score) for index, view in enumerate(supplement.views) if view.anytime is not None]
    marks: list[Mark] = []
    for row, (index, name, score) in enumerate(rated):
        if index == reference_index and overview.many_views(results):
            marks.insert(0, Rule(axis="x", at=score.value, color=GRAY))
        head, marker = f"{label(results, name)}, score over all trials", Marker(style.symbol(index), 5, fill="paper")
        ends = (score.value, score.low, score.high)
        marks += estimate(results, ends, row, style.color(index), marker, head, width=1.6)
    limits = around(np.array([end for _, _, score in rated for end in (score.value, score.low, score.high)]))
    rows = row_axis([cut(name, LONGEST) for _, name, _ in rated])
    return Panel(Axis("score over all trials", limits, grid=True), rows, tuple(marks))


def runtime_ecdf(results: Results) -> Iterator[Row]:
    """The runtime ECDF of every view."""
    yield "view", "trials", "searches", "share", "low", "high"
    for view in results.supplement.views if results.supplement else ():
        if (ratings := view.anytime) is not None:
            searches = np.full(len(ratings.ecdf), ratings.replicates)
            yield from numbered((view.name,), searches, ratings.ecdf, ratings.ecdf_low, ratings.ecdf_high)


def anytime_scores(results: Results) -> Iterator[Row]:
    """The anytime scores of every view."""
    yield "view", "searches", "ecdf_area", "ecdf_low", "ecdf_high", "score", "score_low", "score_high"
    for view in results.supplement.views if results.supplement else ():
        if (ratings := view.anytime) is not None:
            area, score = ratings.ecdf_area, ratings.score
            yield view.name, ratings.replicates, area.value, area.low, area.high, score.value, score.low, score.high
