"""How the views were searched: what mattered, where the best trials lie, and what the trials in between say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from hpstudy.analysis.exploration.importance import Shares
from hpstudy.analysis.exploration.searches import EDGE, SearchedView, at_edge
from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.csvs import Row
from hpstudy.report.figures import searched as figures
from hpstudy.report.labels import long_name
from hpstudy.report.model import Block, Drawing, Paragraph, Section, Table
from hpstudy.study.space import ChoiceParameter

WEAK = 0.3
"""Share of the variance of held-out searches below which the forest's shares are not to be relied on."""

CROWDED = 0.25
"""Share of the best trials at one end of a range from which a wider range is suggested."""

DETAILED = 4
"""Views up to which the trials themselves are drawn; with more, searched_trials.csv has them."""

ADAPTIVE = (
    "The searches chose their points, and chose most of them where earlier ones had been good: a region with few trials is one "
    "that they gave up or never saw, and the cloud of points over one hyperparameter also shows what the others were at the time."
)
"""What every picture of the trials of an adaptive search needs beside it."""


def chapter(results: Results) -> Iterator[Section]:
    """An overview, then one part for each view that has a trial with a value."""
    if not results.searched:
        return
    blocks: list[Block] = [Paragraph(_method(results)), Paragraph(ADAPTIVE)]
    if flipped := [view for view in results.searched if view.flips is not None]:
        blocks += [_flips(results, flipped), _correlations(results, flipped)]
    yield Section("How the views were searched", tuple(blocks))
    for number, view in enumerate(results.searched, start=1):
        yield Section(long_name(results, view.name), tuple(_view(results, view, number)), level=2)


def _method(results: Results) -> str:
    level = numbers.percent(results.study.analysis.confidence)
    return (
        "Importance is a functional analysis of variance: a forest of extremely randomised trees is fitted to all trials of a view, "
        "and the variance of its predictions over the whole declared range, bad corners included, is divided among the "
        "hyperparameters. A share alone is what a hyperparameter explains by itself; a share with interactions is what cannot be "
        f"explained without it. Intervals ({level}) come from fitting the forest again to searches drawn with replacement. Trials of "
        "all replicates are pooled; positions are those on the declared (logarithmic) scale. The shares describe the forest, and "
        "are as good as the forest is where the searches hardly went."
    )


def _view(results: Results, view: SearchedView, number: int) -> Iterator[Block]:
    metric = results.study.metric.name
    yield Paragraph(_summary(view))
    if text := _edges(results, view):
        yield Paragraph(text)
    yield _positions(results, view)
    draw = partial(_drawing, results, view, number)
    shares = "Shares of the variance, and positions" if view.importance else "Positions"
    yield draw(
        "importance",
        figures.importance,
        f"{shares} of the best trials.",
        "A dot at the right is the best trial of one search, in the range of the hyperparameter at its left; dots are set apart "
        "upwards only to be seen"
        + ("; bars that overlap in their intervals are not told apart by these searches." if view.importance else "."),
        ("searched_importance", "searched_trials"),
    )
    if len(results.searched) > DETAILED:
        return
    some = len(view.hyperparameters) > figures.MOST_PANELS
    yield draw(
        "slices",
        figures.slices,
        f"{metric} over each hyperparameter{f', the first {figures.MOST_PANELS}' if some else ''}.",
        "A dot is a trial, ringed where it is the best of its search"
        + (
            "; the line is the forest's mean prediction with all other hyperparameters spread evenly over their ranges, "
            if view.responses
            else "; "
        )
        + "which points that were chosen by a search are not. "
        f"Up to {100 * figures.OUTLIERS:.0f} % of the values, the worst ones, lie outside the drawing.",
        ("searched_trials", "searched_responses"),
    )
    if view.surface is not None:
        x, y = (view.hyperparameters[place] for place in (view.surface.x, view.surface.y))
        yield draw(
            "pair",
            figures.pair,
            f"Predicted {metric} over {x} and {y}, which matter most.",
            "Brighter is better; the forest's prediction is averaged over the other hyperparameters, and left white where no trial "
            "lies near. A few dots in a large region are little evidence for its colour.",
            ("searched_surface", "searched_trials"),
        )
    yield draw(
        "parallel",
        figures.parallel,
        f"All trials over all hyperparameters; the best {figures.BEST_SHARE:.0%} of them stand out.".replace("%", " %"),
        "A line is a trial. Coloured lines that meet at one height say that good trials share a value; that may also be because the "
        "searches tried little else.",
        ("searched_trials",),
    )


def _drawing(
    results: Results,
    view: SearchedView,
    number: int,
    kind: str,
    draw: Callable[[Results, SearchedView], object],
    caption: str,
    reading: str,
    data: tuple[str, ...],
) -> Drawing:
    return Drawing(f"searched_{number}_{kind}", partial(draw, results, view), f"{view.name}: {caption}", reading, data)  # type: ignore[arg-type]


def _summary(view: SearchedView) -> str:
    count = len(view.objective)
    text = f"{numbers.count(count)} trial{'s' * (count > 1)} of {len(view.incumbents)} search{'es' * (len(view.incumbents) > 1)}"
    text += " have a value" if count > 1 else " has a value"
    if view.left_out:
        text += (
            f"; {numbers.count(view.left_out)} without one {'are' if view.left_out > 1 else 'is'} left out of all that follows"
        )
    text += "."
    if view.importance is None:
        return text
    if view.importance.trials < count:
        text += f" The forest has seen the first {view.importance.searches} searches ({numbers.count(view.importance.trials)} trials)."
    if math.isnan(view.importance.explained):
        return text + " With a single search there is nothing to check the forest against, and no interval."
    explained = numbers.percent(round(max(0.0, view.importance.explained), 2))
    text += f" For searches that it has not seen, the forest explains {explained} of the variance"
    return text + (": too little to rely on its shares." if view.importance.explained < WEAK else ".")


def _edges(results: Results, view: SearchedView) -> str:
    """The ranges at whose end many best trials lie; "" without one."""
    found, total = at_edge(view, results.study.views[view.name].space.root), len(view.incumbents)
    parts = [
        f"{name} ({int(hits)} of {total} at the {side} end)"
        for column, name in enumerate(view.hyperparameters)
        for side, end in (("lower", -1), ("upper", 1))
        if (hits := (found[:, column] == end).sum()) > max(1, CROWDED * total)
    ]
    if not parts:
        return ""
    return f"Best trials crowd at an end of the range of {', '.join(parts)}: better values may lie beyond it."


def _positions(results: Results, view: SearchedView) -> Table:
    shown, listed = figures.order(view), figures.parameters(results, view)
    ends = at_edge(view, results.study.views[view.name].space.root)
    rows = []
    for place in shown:
        name, parameter = view.hyperparameters[place], listed[place]
        shares: tuple[str, ...] = ()
        if view.importance is not None:
            shares = (_share(view.importance.total, place), _share(view.importance.alone, place))
        if isinstance(parameter, ChoiceParameter):
            value, hits = Counter(view.values[name][view.incumbents].tolist()).most_common(1)[0]
            where = (numbers.hyperparameter(value), f"{hits} of {len(view.incumbents)}", numbers.MISSING)
        else:
            # Order statistics, so that a whole number stays one.
            low, middle, high = np.quantile(view.unit[view.incumbents, place], (0.25, 0.5, 0.75), method="inverted_cdf")
            middle_half = " to ".join(numbers.hyperparameter(parameter.at(float(end))) for end in (low, high))
            counts = f"{int((ends[:, place] < 0).sum())} / {int((ends[:, place] > 0).sum())}"
            where = (numbers.hyperparameter(parameter.at(float(middle))), middle_half, counts)
        rows.append((name, *shares, *where))
    level = numbers.percent(results.study.analysis.confidence)
    head = ("with interactions", "alone") if view.importance is not None else ()
    note = (
        "Median and middle half are over the best trials of the searches; of a choice, the most frequent value and how often. "
        f"At an end: within {100 * EDGE:.0f} % of the (logarithmic) range, lower / upper."
    )
    if view.importance is not None:
        note = f"Shares of the predicted variance with {level} bootstrap intervals over searches. " + note
    return Table(
        f"{view.name}: what mattered, and where the best trials lie.",
        ("Hyperparameter", *head, "median", "middle half", "at an end"),
        tuple(rows),
        note=note,
    )


def _share(shares: Shares, place: int) -> str:
    value, low, high = (float(numbers_[place]) for numbers_ in (shares.value, shares.low, shares.high))
    return f"{value:.2f}" + ("" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]")


def _flips(results: Results, views: list[SearchedView]) -> Drawing:
    return Drawing(
        "searched_flips",
        partial(figures.flips, results, views),
        f"{results.study.metric.name} over the flip ratio.",
        "A mark is a trial, ringed where it is the best of its search. A ratio of 0 stands at the left end of a logarithmic axis; up to "
        f"{100 * figures.OUTLIERS:.0f} % of the values, the worst ones, lie outside the drawing.",
        ("searched_trials", "searched_flips"),
    )


def _correlations(results: Results, views: list[SearchedView]) -> Table:
    rows = []
    for view in views:
        assert view.flips is not None, "the caller has looked"
        found = view.flips
        ends = [numbers.metric(end, 2) for end in (found.correlation, found.low, found.high)]
        ratios = found.ratio[np.isfinite(found.ratio)]
        best = found.ratio[view.incumbents]
        middle = float(np.median(best[np.isfinite(best)])) if np.isfinite(best).any() else math.nan
        interval = f" [{ends[1]}, {ends[2]}]" if not math.isnan(found.low) else ""
        rows.append((view.name, numbers.count(len(ratios)), ends[0] + interval, numbers.scientific(middle)))
    level = numbers.percent(results.study.analysis.confidence)
    return Table(
        f"Rank correlation of flip ratio and {results.study.metric.name}.",
        ("View", "trials", "Spearman", "median of the best trials"),
        tuple(rows),
        note=f"{level} bootstrap intervals over searches. A correlation near 0 also fits a relation that rises and falls again.",
    )


def searched_importance(results: Results) -> Iterator[Row]:
    """The shares of every hyperparameter."""
    yield (
        "view",
        "hyperparameter",
        "total",
        "total_low",
        "total_high",
        "alone",
        "alone_low",
        "alone_high",
        "explained",
        "searches",
        "trials",
    )
    for view in results.searched:
        if (found := view.importance) is None:
            continue
        columns = [getattr(shares, end).tolist() for shares in (found.total, found.alone) for end in ("value", "low", "high")]
        for name, *row in zip(view.hyperparameters, *columns, strict=True):
            yield view.name, name, *row, found.explained, found.searches, found.trials


def searched_trials(results: Results) -> Iterator[Row]:
    """Every trial with a value, a row for each hyperparameter: its value, and where in the range it lies."""
    yield "view", "replicate", "number", "objective", "flip_ratio", "best_of_search", "hyperparameter", "value", "unit"
    for view in results.searched:
        best = view.is_incumbent.tolist()
        flips = view.flips.ratio.tolist() if view.flips is not None else [math.nan] * len(best)
        heads = zip(view.replicate.tolist(), view.number.tolist(), view.objective.tolist(), flips, best, strict=True)
        for row, head in enumerate(heads):
            for column, name in enumerate(view.hyperparameters):
                yield view.name, *head, name, view.values[name][row], float(view.unit[row, column])


def searched_responses(results: Results) -> Iterator[Row]:
    """The forest's mean prediction over each hyperparameter."""
    yield "view", "hyperparameter", "value", "unit", "predicted"
    for view in results.searched:
        for name, parameter, line in zip(view.hyperparameters, figures.parameters(results, view), view.responses, strict=False):
            for unit, predicted in zip(line.unit.tolist(), line.predicted.tolist(), strict=True):
                yield view.name, name, parameter.at(unit), unit, predicted


def searched_surface(results: Results) -> Iterator[Row]:
    """The forest's mean prediction over the two hyperparameters that matter most; nothing stands where no trial lies near."""
    yield "view", "x", "x_value", "x_unit", "y", "y_value", "y_unit", "predicted"
    for view in results.searched:
        if (surface := view.surface) is None:
            continue
        listed, names = figures.parameters(results, view), view.hyperparameters
        for row, column in np.ndindex(surface.predicted.shape):
            x, y = float(surface.x_unit[column]), float(surface.y_unit[row])
            across, upwards = (names[surface.x], listed[surface.x].at(x), x), (names[surface.y], listed[surface.y].at(y), y)
            yield view.name, *across, *upwards, float(surface.predicted[row, column])


def searched_flips(results: Results) -> Iterator[Row]:
    """Rank correlations of flip ratio and objective."""
    yield "view", "searches", "trials", "spearman", "low", "high"
    for view in results.searched:
        if (found := view.flips) is not None:
            yield view.name, found.searches, int(np.isfinite(found.ratio).sum()), found.correlation, found.low, found.high


TABLES = {
    function.__name__: function
    for function in (searched_importance, searched_trials, searched_responses, searched_surface, searched_flips)
}
