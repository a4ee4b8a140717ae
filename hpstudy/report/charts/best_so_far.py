"""Best-so-far curves, as in Figure 8 of Quist et al. (2023): thin lines for searches, a bold line for the mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.analysis.trials.searches import STATES
from hpstudy.analysis.view_result import ViewResult
from hpstudy.report import numbers, overview, style
from hpstudy.report.charts.axes import OUTLIERS, best_axis, determining, trial_axis, value_limits
from hpstudy.report.charts.grid import GRAY, reference, reference_words, split_by_view
from hpstudy.report.charts.intervals import NO_INTERVALS, has_intervals, trials
from hpstudy.report.charts.marks import Band, Dots, Line, Mark, Marker, Media, Steps
from hpstudy.report.charts.model import Chart, Data, Entry, Panel
from hpstudy.report.charts.spread import evenly
from hpstudy.report.charts.views import entries, every, target, target_entry
from hpstudy.report.charts.words import along, confidence, label, position, tried
from hpstudy.report.csvs import Row, numbered
from hpstudy.report.wording import level_text

VECTOR_UP_TO = 200
"""Maximum number of searches that print draws as vectors. More are drawn as an image, so that the PDF is small and fast to display."""

EVERY_TRIAL_UP_TO = 20_000
"""Maximum number of trials that each have a hover text; with more, only those that improved their search's best have one."""

MOST_SEARCHES = 400
"""Maximum number of thin lines of one view on the page; of more searches, an evenly spaced subset is drawn, to limit the browser's load."""


def chart(results: Results) -> Chart:
    """Every search and the mean curve of every view; many views have separate panels."""
    legend = [
        *entries(results),
        Entry("single searches", dash="solid", media="page"),
        *([Entry("intervals of the means", media="page")] if _has_bands(results) else []),
        *([target_entry(results)] if target(results, value_limits(results, determining(results))) else []),
    ]
    chart = Chart(
        "best_so_far",
        (_together(results),),
        *caption_and_reading(results),
        Data.of(results, best_so_far, mean_curves),
        3.3,
        legend=tuple(legend),
        page_note=_page_note(results),
    )
    return split_by_view(results, chart, partial(_alone, results))


def _together(results: Results) -> Panel:
    """All views in one panel."""
    views, limits, banded = results.views, value_limits(results, determining(results)), _has_bands(results)
    marks: list[Mark] = [*target(results, limits, (len(views) + 1 + banded,))]
    for index, view in enumerate(views):
        marks += searches(results, view, index)
    marks += [_band(view, index, (index, len(views) + 1)) for index, view in enumerate(views) if banded]
    marks += [_edge(view) for view in views]
    marks += [_mean(results, view, index) for index, view in enumerate(views)]
    marks += [circles for index, view in enumerate(views) for circles in _enqueued(results, view, index)]
    marks += [star for index, view in enumerate(views) for star in _best(results, view, index)]
    return Panel(trial_axis(results.study.search.trials), best_axis(results, limits), tuple(marks))


def _mean(results: Results, view: ViewResult, index: int) -> Line:
    """The mean curve of a view in the panel of all views."""
    curve, look = view.curve, style.look(index)
    heads = [f"{label(results, view.name)}, mean of {numbers.things(count, 'search', 'es')}" for count in curve.searches.tolist()]
    return Line(
        x=trials(curve.mean),
        y=curve.mean,
        color=look.color,
        width=1.8,
        dash=look.dash,
        marker=Marker(look.symbol, 5),
        every=every(index, len(results.views), len(curve.mean)),
        groups=(index,),
        hover=along(results, heads, curve.mean, curve.low, curve.high),
    )


def _alone(results: Results, index: int) -> Panel:
    """The panel of one of many views, with the mean of the reference in gray."""
    view, limits = results.views[index], value_limits(results, determining(results))
    marks: list[Mark] = [*target(results, limits)]
    marks += searches(results, view, index)
    marks.append(_band(view, index, ()))
    if (other := reference(results, index)) is not None:
        mean = results.views[other].curve.mean
        marks.append(Line(x=trials(mean), y=mean, color=GRAY, width=1.1))
    marks.append(_edge(view))
    marks.append(Line(x=trials(view.curve.mean), y=view.curve.mean, color=style.color(index), width=1.6))
    marks += _enqueued(results, view, index)
    return Panel(trial_axis(results.study.search.trials), best_axis(results, limits), tuple(marks))


def searches(results: Results, view: ViewResult, index: int) -> Iterator[Steps]:
    """All searches of a view as steps, separated by NaN; the page draws at most `MOST_SEARCHES` of them.

    Args:
        results: of the study.
        view: whose `best` is (replicates x trials).
        index: its number in the study.
    """
    drawn = evenly(range(view.best.shape[0]), MOST_SEARCHES)
    if len(drawn) == view.best.shape[0]:
        yield _steps(results, view, index, drawn, "both")
    else:
        yield _steps(results, view, index, range(view.best.shape[0]), "print")
        yield _steps(results, view, index, drawn, "page")


def _steps(results: Results, view: ViewResult, index: int, replicates: Sequence[int], media: Media) -> Steps:
    every = sum(other.best.size for other in results.views) <= EVERY_TRIAL_UP_TO
    drawn: list[tuple[float, float]] = []
    texts: list[str] = []
    points: list[dict[str, Any] | None] = []
    for replicate in replicates:
        row = view.best[replicate]
        numbers_drawn = np.flatnonzero(~np.isnan(row))
        if not numbers_drawn.size:
            continue
        if not every:
            changed = np.r_[True, np.diff(row[numbers_drawn]) != 0]
            changed[-1] = True
            numbers_drawn = numbers_drawn[changed]
        drawn += [*((number + 1, float(row[number])) for number in numbers_drawn.tolist()), (math.nan, math.nan)]
        if media != "print":
            head = f"{label(results, view.name)}\nreplicate {replicate}"
            for number in numbers_drawn.tolist():
                best = numbers.general(float(row[number]), 6)
                texts.append(f"{head}, {position(number)}\n{_result(view, replicate, number)}\nbest so far {best}")
                points.append(view.point(replicate, number))
            texts.append("")
            points.append(None)
    x, y = np.array(drawn[:-1], dtype=np.float64).reshape(-1, 2).T
    return Steps(
        x=x,
        y=y,
        color=style.color(index),
        width=0.6,
        alpha=max(0.02, min(0.45, 12 / max(1, len(replicates)))),
        groups=(index, len(results.views)),
        media=media,
        raster=sum(other.best.shape[0] for other in results.views) > VECTOR_UP_TO,
        hover=tried(texts[:-1], points[:-1]) if media != "print" else None,
    )


def _result(view: ViewResult, replicate: int, number: int) -> str:
    value = float(view.searches.values[replicate, number])
    if np.isnan(value):
        return f"this trial: {STATES[view.searches.states[replicate, number]].replace('_', ' ')}"
    return f"this trial {numbers.general(value, 6)}"


def _has_bands(results: Results) -> bool:
    """Whether any view has an interval of its mean."""
    return has_intervals(view.curve.low for view in results.views)


def _band(view: ViewResult, index: int, groups: tuple[int, ...]) -> Band:
    curve = view.curve
    return Band(x=trials(curve.mean), low=curve.low, high=curve.high, color=style.color(index), alpha=0.25, groups=groups)


def _edge(view: ViewResult) -> Line:
    """A white edge, which sets the mean off from lines of the same color."""
    return Line(x=trials(view.curve.mean), y=view.curve.mean, color=style.PAPER, width=3.2, media="print")


def _enqueued(results: Results, view: ViewResult, index: int) -> Iterator[Dots]:
    """Open circles on the mean at trials whose points the study enqueued, or whose results were imported, if any."""
    count = max(len(results.study.views[view.name].enqueue), *results.imported.get(view.name, {0: 0}).values())
    first = view.curve.mean[:count]
    if len(first):
        yield Dots(x=trials(first), y=first, color=style.color(index), marker=Marker(size=6.5, fill="none"), groups=(index,))


def _best(results: Results, view: ViewResult, index: int) -> Iterator[Dots]:
    """A star on the page at the best trial of a view, if it has one."""
    best = view.best_trial
    if best is None:
        return
    text = (
        f"best trial of {label(results, view.name)}: {numbers.general(best.value, 6)}"
        f"\nreplicate {best.replicate}, {position(best.number)}"
    )
    yield Dots(
        x=np.array([best.number + 1.0]),
        y=np.array([best.value]),
        color=style.color(index),
        marker=Marker("star", 7.5, edge=style.INK, edge_width=0.6),
        groups=(index,),
        media="page",
        hover=tried([text], [best.point]),
    )


def _page_note(results: Results) -> str:
    note = "A star is the best trial of its view."
    for view in results.views:
        count = view.best.shape[0]
        if len(drawn := evenly(range(count), MOST_SEARCHES)) < count:
            note += f" {view.name}: {len(drawn)} of {count} searches are drawn, evenly spread."
    if sum(view.best.size for view in results.views) > EVERY_TRIAL_UP_TO:
        note += " A search has texts at the trials that changed its best."
    return note


def enqueued_words(results: Results) -> str:
    """The sentence on trials with enqueued points; "" without any."""
    counts = {name: len(view.enqueue) for name, view in results.study.views.items() if view.enqueue}
    parts = [f"{name}: the {numbers.first_things(count, 'trial')}" for name, count in counts.items()]
    return f"points that the study enqueued ({', '.join(parts)})" if parts else ""


def imported_words(results: Results) -> str:
    """The sentence on trials with imported results; "" without any."""
    parts = [
        f"{view}: up to {numbers.things(max(of.values()), 'trial')} in {numbers.things(len(of), 'search', 'es')}"
        for view, of in results.imported.items()
    ]
    return f"results that were imported and not trained in this study ({', '.join(parts)})" if parts else ""


def caption_and_reading(results: Results) -> tuple[str, str]:
    """The caption and the explanation of the figure."""
    interval = f" with its pointwise {confidence(results)} bootstrap interval." if _has_bands(results) else f". {NO_INTERVALS}"
    started = sum(int((~np.isnan(view.best[:, 0])).sum()) for view in results.views)
    caption = f"Best {results.study.metric.name} so far of {numbers.things(started, 'search', 'es')}."
    reading = (
        f"Thin lines are single searches, the bold line is their mean{interval} The best so far is the "
        f"{'highest' if results.study.metric.goal == 'maximize' else 'lowest'} of several noisy values: a better line does not mean "
        "that better hyperparameters were found."
    )
    trials_of_axis, after, earlier = determining(results), "", ""
    limits = value_limits(results, trials_of_axis)
    if trials_of_axis is not None:
        after = f" after {numbers.things(trials_of_axis[0], 'trial')} or more"
        earlier = ", nor earlier values and means that are outside the axis"
    if overview.many_views(results):
        reading += reference_words(results, "the mean")
        reading += f" Dotted: the target, {level_text(results)}." if target(results, limits) else ""
    low, high = limits
    if any((view.best < low).any() or (view.best > high).any() for view in results.views):
        reading += f" Up to {100 * OUTLIERS:.0f}% of the values{after}, the worst ones, are not drawn{earlier}."
    if marked := "; ".join(filter(None, (enqueued_words(results), imported_words(results)))):
        reading += f" Open circles: {marked}."
    waiting = sum(view.completeness.before_first_value for view in results.views if view.searches.valued)
    if waiting and not math.isnan(results.worst):
        reading += (
            f" {numbers.things(waiting, 'trial')} before the first value of {numbers.plural(waiting, 'its', 'their')} search "
            f"{numbers.plural(waiting, 'counts', 'count')} as the worst value of the study "
            f"({numbers.metric(results.worst, numbers.decimals_of(results))})."
        )
    return caption, reading


def best_so_far(results: Results) -> Iterator[Row]:
    """Every started trial of the plan: `number` counts from 0 as in the database, `trials` from 1 as in the figures."""
    yield "view", "replicate", "number", "trials", "state", "value", "best_so_far"
    for view in results.views:
        for replicate, number in np.argwhere(view.searches.states > 0).tolist():
            value, best = float(view.searches.values[replicate, number]), float(view.best[replicate, number])
            yield view.name, replicate, number, number + 1, STATES[view.searches.states[replicate, number]], value, best


def mean_curves(results: Results) -> Iterator[Row]:
    """The mean best-so-far curve of every view."""
    yield "view", "trials", "searches", "mean", "low", "high"
    for view in results.views:
        curve = view.curve
        yield from numbered((view.name,), curve.searches, curve.mean, curve.low, curve.high)
