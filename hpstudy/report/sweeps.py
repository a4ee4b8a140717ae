"""Shared content of the tables, sentences and CSV files of a sweep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import Means, SweepView, best_point, summary
from hpstudy.goal import Goal
from hpstudy.report import numbers
from hpstudy.report.notation import Notation
from hpstudy.study.parameters import ChoiceParameter

SHOWN = ("flip_ratio", "test_accuracy")
"""Metrics shown next to the objective in tables, if they were recorded."""

SMALL = 1e-3
"""Metrics below this value are written with powers of ten."""

MOST_COLUMNS = 4
"""Maximum number of swept hyperparameters with separate columns; more share one column."""

MOST_ROWS = 100
"""Maximum number of points in a table; the CSV file has all."""


def objective(results: Results, view: SweepView) -> Means:
    """(points,) means of the objective over replicates."""
    return summary(view.values[results.study.metric.name], results.study.analysis.confidence)


def best(results: Results, view: SweepView) -> int | None:
    """The number of the view's best point; None if no point has a value."""
    return best_point(objective(results, view), results.study.metric.goal)


def point_text(view: SweepView, number: int) -> str:
    """The swept hyperparameters of a point: "rate 0.01, decay 0"; all hyperparameters if none is swept."""
    names = [name for name in view.swept or view.points[number] if name in view.points[number]]
    return ", ".join(f"{name} {numbers.hyperparameter(view.points[number][name])}" for name in names)


def metric_text(values: Floats, value: float) -> str:
    """A mean of (replicates x points) `values` as text, with meaningful digits, or with powers of ten if the values span decades."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if sizes.size and (sizes.max() >= 20 * sizes.min() or sizes.max() < SMALL):
        return numbers.scientific(value)
    return numbers.metric(value, numbers.decimals_of_points([values]))


def shown(results: Results, view: SweepView) -> list[str]:
    """Metrics of the view that are shown next to the objective."""
    return [name for name in SHOWN if name in view.values and name != results.study.metric.name]


def listed(results: Results, view: SweepView) -> list[int]:
    """The points that a table lists: all started ones, or the best `MOST_ROWS` in the order of their numbers."""
    known = [number for number, point in enumerate(view.points) if point]
    if len(known) <= MOST_ROWS:
        return known
    means = objective(results, view).mean
    sign = -results.study.metric.goal.sign
    order = sorted(known, key=lambda number: (math.isnan(means[number]), sign * means[number]))
    return sorted(order[:MOST_ROWS])


def best_sentence(results: Results, view: SweepView) -> str:
    """The view's best point with its mean and interval."""
    number = best(results, view)
    if number is None:
        return f"View {view.name}: no trial has a value{' yet' if results.provisional else ''}."
    means, notation = objective(results, view), Notation(results)
    value, interval = notation.cells(means.mean[number], means.low[number], means.high[number])
    ci = "" if math.isnan(means.low[number]) else f"{notation.ci} {interval}, "
    mean = f"mean {notation.metric} {value} ({ci}n = {means.replicates[number]})"
    if not view.swept:
        return f"View {view.name}: {mean}."
    word = "highest" if notation.goal is Goal.MAXIMIZE else "lowest"
    return f"View {view.name}: {word} {mean} at {point_text(view, number)}."


def headline(results: Results) -> str:
    """The best point of every view; the verdicts on claims are counted elsewhere."""
    opening = ["PROVISIONAL:"] if results.provisional else []
    return " ".join([*opening, *(best_sentence(results, view) for view in results.sweep)])


def evidence(results: Results, view: SweepView) -> str:
    """Caveats of the best point: points that are not distinguished from it, selection of the best, missing values."""
    number = best(results, view)
    if number is None:
        return ""
    sentences = []
    if view.swept:
        different, others = _count_different(results, view, number)
        if others:
            sentences.append(_difference_sentence(results, different, others))
        sentences.append("As the best of several noisy means, it is biased by selection.")
    trials = results.view(view.name).completeness
    if lost := trials.finished - trials.completed + trials.without_value:
        sentences.append(
            f"{numbers.things(lost, 'finished trial')} {numbers.plural(lost, 'has', 'have')} no value and "
            f"{numbers.plural(lost, 'is', 'are')} in no mean; n is the number of replicates in each mean."
        )
    return " ".join(sentences)


def _count_different(results: Results, view: SweepView, number: int) -> tuple[int, int]:
    """The numbers of other points whose difference from point `number` has an interval that excludes 0, and that have an interval."""
    values = view.values[results.study.metric.name]
    differences = summary(np.delete(values[:, [number]] - values, number, axis=1), results.study.analysis.confidence)
    return int(((differences.low > 0) | (differences.high < 0)).sum()), int(np.isfinite(differences.low).sum())


def _difference_sentence(results: Results, different: int, others: int) -> str:
    level = Notation(results).level
    if others == 1:
        which = "the other point differs from it" if different else "no difference from the other point is shown"
        return f"Compared within replicates, {which} ({level} t interval of the paired difference)."
    which, verb = "none", "is shown to differ"
    if different:
        which = "all" if different == others else str(different)
        verb = numbers.plural(different, "differs", "differ")
    return (
        f"Compared within replicates, {which} of the {others} other points {verb} from it ({level} t intervals of paired differences, not "
        "corrected for their number)."
    )


def held(view: SweepView) -> dict[str, Any]:
    """Tuned hyperparameters that have the same value at every point."""
    first = next((point for point in view.points if point), {})
    return {name: value for name, value in first.items() if name not in view.swept}


def tried(results: Results, view: SweepView, name: str) -> str:
    """The values of a swept hyperparameter: a list of few values, else the smallest and largest."""
    values = {point[name] for point in view.points if name in point}
    parameter = results.study.views[view.name].space.root[name]
    if isinstance(parameter, ChoiceParameter):
        ordered = [value for value in parameter.values if value in values]
    else:
        ordered = sorted(values, key=float)
    texts = numbers.hyperparameters(ordered)
    return ", ".join(texts) if len(texts) <= 8 else f"{len(texts)} values, {texts[0]} to {texts[-1]}"
