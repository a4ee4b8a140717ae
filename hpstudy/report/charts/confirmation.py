"""Tuning scores and the scores of the same points on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.retraining.confirmation import Confirmation, ConfirmedView
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import around, row_axis
from hpstudy.report.charts.intervals import LINES_UP_TO, NO_INTERVALS, bars, estimate, has_intervals
from hpstudy.report.charts.marks import Dots, Hover, Mark, Marker
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.charts.views import index_of
from hpstudy.report.charts.words import Words, confidence, label, wrapped
from hpstudy.report.csvs import Row

TUNING, FRESH, MEAN_TUNING, MEAN_FRESH, DEFAULT = range(5)
"""Indices in the legend."""

ROWS = (-0.22, 0.08, -0.36, 0.22, 0.38)
"""Offsets of a view's marks below its row, in the order of the legend; 1 is the distance of two rows."""

FEW_VALUES = "Too few trainings of the searches have a value"
"""Why means over several searches have no intervals, for instance while the confirmations run."""

GRAY, CROSS = style.gray(0.2), style.gray(0.35)

LEGEND = (
    Entry("search: tuning score", GRAY, symbol="circle", open=True),
    Entry("on fresh seeds", GRAY, symbol="circle"),
    Entry("mean tuning score", GRAY, symbol="diamond", open=True),
    Entry("mean on fresh seeds", GRAY, symbol="diamond"),
    Entry("default point", CROSS, symbol="x"),
)


def chart(results: Results, confirmation: Confirmation) -> Chart:
    """One row for each view: every search from its tuning score to its mean on fresh seeds, the means, and the default point."""
    rows = [wrapped(label(results, view.data.view)) for view in confirmation.views]
    scores = [end for view in confirmation.views for end in (view.data.tuning, _fresh(confirmation, view), _ends(view))]
    values = Axis(Words(confirmation.metrics[0], "objective"), around(*scores, room=0.04), grid=True)
    marks = [mark for center, view in enumerate(confirmation.views) for mark in _view(results, confirmation, view, center)]
    level, objectives = confidence(results), [view.metrics[0] for view in confirmation.views]
    alone = all(len(view.data.replicates) == 1 for view in confirmation.views)
    if has_intervals(of.tuned.low for of in objectives):
        drawn = f", bars their {level} intervals."
    elif has_intervals(of.default.low for of in objectives if of.default is not None):
        reason = "One search has no spread" if alone else FEW_VALUES
        drawn = f". {reason}: only the default point has a {level} interval, over seeds."
    else:
        drawn = f". {NO_INTERVALS}" if alone else f". {FEW_VALUES}, so there are no intervals."
    crossed = all(view.crossed for view in confirmation.views)
    seeds = "the same seeds" if crossed else "the seeds of replicate 0"
    return Chart(
        "confirmation",
        (Panel(values, row_axis(rows), tuple(marks)),),
        f"{confirmation.metrics[0]} of the best trial of each search: its tuning score, and its mean on "
        f"{numbers.things(confirmation.seeds, 'fresh seed')}.",
        "A gray line joins the tuning score of a search (open) with the mean of the same point on fresh seeds (filled). Diamonds are means "
        f"over searches{drawn} If all lines have the same direction, this is the bias of selecting the best "
        f"trial. A cross is the default point on {seeds}.",
        Data.of(results, confirmations, confirmed_means),
        0.9 + 0.9 * len(rows),
        legend=LEGEND,
    )


def _fresh(confirmation: Confirmation, view: ConfirmedView) -> Floats:
    """(searches,) mean of each search on fresh seeds."""
    return np.asarray(np.nanmean(view.data.scores[confirmation.metrics[0]], axis=1), dtype=np.float64)


def _ends(view: ConfirmedView) -> Floats:
    """The means and intervals to draw."""
    means = [mean for mean in (view.metrics[0].tuned, view.metrics[0].default) if mean is not None]
    return np.array([(mean.value, mean.low, mean.high) for mean in means], dtype=np.float64).ravel()


def _view(results: Results, confirmation: Confirmation, view: ConfirmedView, center: int) -> Iterator[Mark]:
    color, name = style.color(index_of(results, view.data.view)), label(results, view.data.view)
    tuning, fresh = view.data.tuning, _fresh(confirmation, view)
    at = [center + shift for shift in ROWS]
    heights = [np.full(len(fresh), at[TUNING]), np.full(len(fresh), at[FRESH])]
    if len(fresh) <= LINES_UP_TO:
        yield bars(tuning, fresh, heights[TUNING], style.gray(0.75), to=heights[FRESH], width=0.5, groups=(TUNING, FRESH))
    for row, values, fill in ((TUNING, tuning, "paper"), (FRESH, fresh, "color")):
        texts = tuple(
            f"{name}, replicate {replicate}\n{LEGEND[row].name.removeprefix('search: ')}: {numbers.general(value, 6)}"
            for replicate, value in zip(view.data.replicates.tolist(), values.tolist(), strict=True)
        )
        marker = Marker(size=3.5, fill=fill)  # type: ignore[arg-type]  # of two literals
        yield Dots(x=values, y=heights[row], color=color, marker=marker, groups=(row,), hover=Hover(texts))
    nothing = CountedEstimate(float(tuning.mean()), math.nan, math.nan, len(tuning))
    means = (
        (MEAN_TUNING, nothing, color),
        (MEAN_FRESH, view.metrics[0].tuned, color),
        (DEFAULT, view.metrics[0].default, CROSS),
    )
    for row, mean, ink in means:
        if mean is not None:
            entry = LEGEND[row]
            marker = Marker(entry.symbol or "circle", 5.5, "paper" if entry.open else "color", edge=ink)
            ends = (mean.value, mean.low, mean.high)
            yield from estimate(results, ends, at[row], ink, marker, f"{name}, {entry.name}:", groups=(row,))


def confirmations(results: Results) -> Iterator[Row]:
    """Every value on a fresh seed; rows without a replicate are of the view's default point."""
    yield "view", "replicate", "tuning_score", "seed_number", "metric", "value"
    confirmation = results.confirmation
    for view in confirmation.views if confirmation else ():
        data = view.data
        for metric, values in data.scores.items():
            for seed, value in enumerate(data.default[metric].tolist()):
                if not math.isnan(value):
                    yield data.view, "", "", seed, metric, value
            for replicate, tuning, row in zip(data.replicates.tolist(), data.tuning.tolist(), values.tolist(), strict=True):
                for seed, value in enumerate(row):
                    if not math.isnan(value):
                        yield data.view, replicate, tuning, seed, metric, value


def confirmed_means(results: Results) -> Iterator[Row]:
    """Every mean with its interval."""
    yield "view", "metric", "what", "mean", "low", "high", "n"
    confirmation = results.confirmation
    for view in confirmation.views if confirmation else ():
        name, objective = view.data.view, view.metrics[0].metric
        yield name, objective, "tuning", float(view.data.tuning.mean()), math.nan, math.nan, len(view.data.tuning)
        yield name, objective, "gap", *_numbers(view.gap)
        if view.below_default is not None:
            yield name, objective, "share below default", *_numbers(view.below_default)
        for metric in view.metrics:
            for what, mean in (("tuned", metric.tuned), ("default", metric.default), ("tuned minus default", metric.gain)):
                if mean is not None:
                    yield name, metric.metric, what, *_numbers(mean)


def _numbers(mean: CountedEstimate) -> tuple[float, float, float, int]:
    return mean.value, mean.low, mean.high, mean.n
