"""Text about the horizontal distances of two mean curves, such as those of Figure 8 of Quist et al. (2023)."""

from __future__ import annotations

import math

from hpstudy.analysis.comparisons.curve_distance import Distance
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.notation import Notation


def along_trials(results: Results, distance: Distance, pair: PairResult) -> str:
    """The horizontal distance of the two mean curves at the target."""
    budget, a, b = results.study.search.trials, distance.trial_a, distance.trial_b
    opening = "Read along the trial axis,"
    if a is None and b is None:
        return f"{opening} neither mean best-so-far curve reaches this level within {numbers.things(budget, 'trial')}."
    ci = "" if len(pair.replicates) < 2 else f" ({Notation(results).ci} {interval(distance, budget)})"
    if a is None or b is None:
        there, not_there, trial = (pair.a, pair.b, a) if b is None else (pair.b, pair.a, b)
        return (
            f"{opening} the mean best-so-far curve of {there} reaches this level at trial {trial} and that of {not_there} not within "
            f"{budget}: {_text(pair.a, distance, budget)}{ci}."
        )
    return (
        f"{opening} the mean best-so-far curve of {pair.a} reaches this level at trial {a}, that of {pair.b} at trial {b}: "
        f"{_text(pair.a, distance, budget)}{ci}."
    )


def value(distance: Distance, budget: int) -> str:
    """A horizontal distance as a number; a bound if only one curve reaches the level."""
    if math.isnan(distance.difference):
        return "neither reaches it"
    if math.isinf(distance.difference):
        return _bound(distance.difference, distance, budget)
    return numbers.whole(distance.difference)


def interval(distance: Distance, budget: int) -> str:
    """The interval of a horizontal distance; an infinite end is written as a bound."""
    if math.isinf(distance.low) and math.isinf(distance.high):
        return _bound(distance.low, distance, budget) if distance.low == distance.high else "unbounded"
    return numbers.interval(
        distance.low, distance.high, lambda end: _bound(end, distance, budget) if math.isinf(end) else numbers.whole(end)
    )


def _text(a: str, distance: Distance, budget: int) -> str:
    if math.isinf(distance.difference):
        more = "later" if distance.difference > 0 else "earlier"
        beyond = _beyond(distance.difference, distance, budget)
        assert beyond is not None, "one curve reaches the level"
        return f"{a} is more than {numbers.things(beyond, 'trial')} {more}"
    if not distance.difference:
        return "no distance"
    size = numbers.things(abs(int(distance.difference)), "trial")
    return f"{a} is {size} {'later' if distance.difference > 0 else 'earlier'}"


def _beyond(end: float, distance: Distance, budget: int) -> int | None:
    """The lower bound of the distance if one curve reaches the level and the other does not within the budget.

    None if neither reaches it.
    """
    trial = distance.trial_b if end > 0 else distance.trial_a
    return None if trial is None else budget - trial


def _bound(end: float, distance: Distance, budget: int) -> str:
    beyond = _beyond(end, distance, budget)
    if beyond is None:
        return "unbounded"
    return f"more than {beyond}" if end > 0 else f"less than {numbers.whole(-beyond)}"
