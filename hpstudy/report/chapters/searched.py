"""Exploration of the search spaces: importance, best trials, and responses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.exploration.forest import TREES
from hpstudy.analysis.exploration.importance import FEWER_TREES, RESAMPLES, Shares
from hpstudy.analysis.exploration.searches import EDGE, SearchedView, at_edge
from hpstudy.analysis.results import Results
from hpstudy.loading.make import reads_history
from hpstudy.report import numbers
from hpstudy.report.charts import flips, importance, parallel, searched, slices, surface
from hpstudy.report.labels import long_name
from hpstudy.report.model import Block, Paragraph, Section, Table
from hpstudy.report.notation import Notation
from hpstudy.study.parameters import ChoiceParameter

WEAK = 0.3
"""R squared on held-out searches below which the forest's shares are called unreliable."""

CROWDED = 0.25
"""Minimum share of best trials at one end of a range for which a wider range is suggested."""

DETAILED = 4
"""Maximum number of views whose trials are drawn; with more, searched_trials.csv has them."""

ABSENT = (
    " In the forest, a hyperparameter that is absent in a trial counts as the middle of its range. Its prediction is the mean over points "
    "that have it, and figures show only trials that have it."
)
"""Note on the forest's treatment of conditional hyperparameters."""


def chapter(results: Results) -> Iterator[Section]:
    """An overview, then one section for each view that has a trial with a value."""
    if not results.searched:
        return
    blocks: list[Block] = [Paragraph(text) for text in (_method(results), _chosen(results), _page_only(results))]
    if flipped := [view for view in results.searched if view.flips is not None]:
        blocks += [flips.chart(results, flipped), _correlations(results, flipped)]
    yield Section("Exploration of the search spaces", tuple(blocks))
    for number, view in enumerate(results.searched, start=1):
        yield Section(long_name(results, view.name), tuple(_view(results, view, number)), level=2)


def _page_only(results: Results) -> str:
    """Note on the figures that are only on the page."""
    explained = any(view.importance is not None for view in results.searched)
    drawn = f"{'the shares and ' if explained else ''}the positions of the best trials"
    if len(results.searched) <= DETAILED:
        pairs = any(view.surface is not None for view in results.searched)
        drawn += f"{',' if pairs else ' and'} all trials over all hyperparameters"
        drawn += ", and the predictions over the two hyperparameters that matter most" if pairs else ""
    return f"The HTML report (`hpstudy report --format html`) also shows {drawn}."


def _chosen(results: Results) -> str:
    """How the searches chose the points, for every figure of their trials."""
    text = (
        "The searches chose their points, and most of them in regions where earlier points were good. A region with few trials was "
        "abandoned or never explored."
    )
    if not reads_history(results.study, None):
        text = "The searches chose their points without regard to earlier values."
    several = any(len(view.hyperparameters) > 1 for view in results.searched)
    return f"{text}{' The points over one hyperparameter also reflect the values of the others.' if several else ''}"


def _method(results: Results) -> str:
    pooled = "Trials of all replicates are pooled; positions are on the declared (logarithmic) scale."
    absent = ABSENT if any(study.space.is_conditional for study in results.study.views.values()) else ""
    if not any(view.responses for view in results.searched):
        return pooled
    if all(view.importance is None for view in results.searched):
        return f"A forest of extremely randomized trees is fitted to all trials of a view. {pooled}{absent}"
    return (
        "Importance is a functional analysis of variance: a forest of extremely randomized trees is fitted to all trials of a view, "
        "and the variance of its predictions over the whole declared range, including bad regions, is divided among the "
        "hyperparameters. Alone: the share that a hyperparameter explains by itself. With interactions: the share that cannot be "
        f"explained without it. Intervals ({Notation(results).level}) come from refitting a forest of {FEWER_TREES} instead of {TREES} "
        f"trees to {RESAMPLES} resamples of the searches. {pooled} The shares describe the forest, and are only as good as the forest is "
        f"in regions with few trials.{absent}"
    )


def _view(results: Results, view: SearchedView, number: int) -> Iterator[Block]:
    yield Paragraph(_summary(view))
    if text := _edges(results, view):
        yield Paragraph(text)
    yield _positions(results, view)
    name = f"searched_{number}"
    yield importance.chart(results, view, f"{name}_importance")
    if len(results.searched) > DETAILED:
        return
    yield slices.chart(results, view, f"{name}_slices")
    if view.surface is not None:
        yield surface.chart(results, view, f"{name}_pair")
    yield parallel.chart(results, view, f"{name}_parallel")


def _summary(view: SearchedView) -> str:
    count = len(view.objective)
    searches, have = numbers.things(len(view.incumbents), "search", "es"), numbers.plural(count, "has", "have")
    text = f"{numbers.things(count, 'trial')} of {searches} {have} a value"
    if view.left_out:
        text += f"; {numbers.count(view.left_out)} without one {numbers.plural(view.left_out, 'is', 'are')} left out of all that follows"
    text += "."
    if view.importance is None:
        return text
    if view.importance.trials < count:
        fitted = numbers.first_things(view.importance.searches, "search", "es")
        text += f" The forest is fitted to the {fitted} ({numbers.things(view.importance.trials, 'trial')})."
    if math.isnan(view.importance.explained):
        return text + " With a single search, the forest cannot be checked and the shares have no interval."
    explained = numbers.percent(round(max(0.0, view.importance.explained), 2))
    text += f" On held-out searches, the forest explains {explained} of the variance"
    return text + (": too little to rely on its shares." if view.importance.explained < WEAK else ".")


def _edges(results: Results, view: SearchedView) -> str:
    """The ranges with many best trials at an end; "" without one."""
    ends, total = at_edge(view, results.study.views[view.name].space.root), _present(view)
    parts = [
        f"{name} ({int(hits)} of {total[column]} at the {side} end)"
        for column, name in enumerate(view.hyperparameters)
        for side, end in (("lower", -1), ("upper", 1))
        if (hits := (ends[:, column] == end).sum()) > max(1, CROWDED * total[column])
    ]
    if not parts:
        return ""
    return (
        f"More than {numbers.percent(CROWDED)} of the best trials lie at an end of the range (within {100 * EDGE:.0f}% of it) of "
        f"{', '.join(parts)}: better values may lie beyond it."
    )


def _present(view: SearchedView) -> list[int]:
    """The number of best trials that have each hyperparameter."""
    return [int(count) for count in np.isfinite(view.unit[view.incumbents]).sum(axis=0)]


def _positions(results: Results, view: SearchedView) -> Table:
    shown, listed = importance.order(view), searched.parameters(results, view)
    ends = at_edge(view, results.study.views[view.name].space.root)
    rows = []
    for column in shown:
        name, parameter = view.hyperparameters[column], listed[column]
        shares: tuple[str, ...] = ()
        if view.importance is not None:
            shares = (_share(view.importance.total, column), _share(view.importance.alone, column))
        having = view.incumbents[np.isfinite(view.unit[view.incumbents, column])]
        if not len(having):
            where = (numbers.MISSING, numbers.MISSING, numbers.MISSING)
        elif isinstance(parameter, ChoiceParameter):
            value, hits = Counter(view.values[name][having].tolist()).most_common(1)[0]
            where = (numbers.hyperparameter(value), f"{hits} of {len(having)}", numbers.MISSING)
        else:
            # Order statistics, so that the range of an integer hyperparameter has integer ends.
            low, middle, high = np.quantile(view.unit[having, column], (0.25, 0.5, 0.75), method="inverted_cdf")
            middle_half = " to ".join(numbers.hyperparameter(parameter.at(float(end))) for end in (low, high))
            counts = f"{int((ends[:, column] < 0).sum())} / {int((ends[:, column] > 0).sum())}"
            where = (numbers.hyperparameter(parameter.at(float(middle))), middle_half, counts)
        present = f" ({len(having)} of {len(view.incumbents)})" if parameter.when else ""
        rows.append((f"{name}{present}", *shares, *where))
    head = ("with interactions", "alone") if view.importance is not None else ()
    note = (
        "Median and middle half are over the best trials of the searches; of a choice, the most frequent value and how often. "
        f"At an end: within {100 * EDGE:.0f}% of the (logarithmic) range, lower / upper; an integer or a step only if it is the end."
    )
    if results.study.views[view.name].space.is_conditional:
        note += " In brackets: how many of the best trials have a conditional hyperparameter; the other columns refer to these."
    if view.importance is not None:
        note = f"Shares of the predicted variance with {Notation(results).level} bootstrap intervals over searches. " + note
    return Table(
        f"{view.name}: {'importance of each hyperparameter, and ' if head else ''}positions of the best trials.",
        ("Hyperparameter", *head, "median", "middle half", "at an end"),
        tuple(rows),
        note=note,
    )


def _share(shares: Shares, column: int) -> str:
    value, low, high = (float(values[column]) for values in (shares.value, shares.low, shares.high))
    return f"{value:.2f}" + ("" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]")


def _correlations(results: Results, views: list[SearchedView]) -> Table:
    rows = []
    for view in views:
        assert view.flips is not None, "the caller checks this"
        correlation, low, high = (numbers.metric(end, 2) for end in (view.flips.correlation, view.flips.low, view.flips.high))
        interval = f" [{low}, {high}]" if not math.isnan(view.flips.low) else ""
        ratios = view.flips.ratio
        best = ratios[view.incumbents]
        middle = float(np.median(best[np.isfinite(best)])) if np.isfinite(best).any() else math.nan
        trials = numbers.count(int(np.isfinite(ratios).sum()))
        rows.append((view.name, trials, correlation + interval, numbers.scientific(middle)))
    notation = Notation(results)
    return Table(
        f"Rank correlation of flip ratio and {notation.metric}.",
        ("View", "trials", "Spearman", "median of the best trials"),
        tuple(rows),
        note=f"{notation.level} bootstrap intervals over searches. A correlation near 0 is also compatible with a relation that rises and "
        "then falls.",
    )


TABLES = (
    importance.searched_importance,
    searched.searched_trials,
    slices.searched_responses,
    surface.searched_surface,
    flips.searched_flips,
)
