"""Multiple testing: adjusted p-values and verdicts of the comparisons of a study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.comparisons.budgets import BudgetDifference
from hpstudy.analysis.comparisons.margin import Side, shown_side, verdict
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.statistics.permutation import SignFlip, holm, sign_flip
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.targets.trials_to_target import TrialsDifference

AnyDifference = TypeVar("AnyDifference", BudgetDifference, TrialsDifference)


def with_verdicts(pairs: Sequence[PairResult], endpoints: Endpoints) -> tuple[PairResult, ...]:
    """Set the adjusted p and the verdict of every comparison.

    The sign-flip tests of all (comparison, budget) are one family, those of trials-to-target of all comparisons another (Holm). In a study
    with declared endpoints only the endpoints have verdicts, and best observed values have none.
    """
    budgets = [difference.test for pair in pairs for difference in pair.budgets]
    trials = [pair.trials.test for pair in pairs if pair.trials is not None]
    of_budgets = zip(_adjusted(budgets), floors(budgets), strict=True)
    of_trials = zip(_adjusted(trials), floors(trials), strict=True)
    alpha = 1 - endpoints.study.analysis.confidence
    return tuple(
        replace(
            pair,
            budgets=tuple(_with_verdict(_tested(each, *next(of_budgets), alpha), endpoints) for each in pair.budgets),
            trials=None if pair.trials is None else _tested(pair.trials, *next(of_trials), alpha),
        )
        for pair in pairs
    )


def _adjusted(tests: Sequence[SignFlip]) -> list[float]:
    """Holm's adjusted p of each test of one family."""
    return [float(p) for p in holm(np.array([test.p for test in tests]))]


def floors(tests: Sequence[SignFlip]) -> list[float]:
    """The smallest attainable adjusted p of each test of a family, reached if it has the smallest p of all."""
    return [min(1.0, len(tests) * test.smallest) for test in tests]


def shown_sides(differences: Sequence[Floats], confidence: float, seed: int) -> tuple[Side | None, ...]:
    """The side of 0 on which each of several (replicates,) paired differences is shown to lie; t intervals, sign-flip tests and Holm.

    None with fewer than 2 replicates; `seed` is the seed of the tests.
    """
    adjusted = iter(_adjusted([sign_flip(values, seed) for values in differences if len(values) > 1]))
    intervals = [t_mean(values, confidence) if len(values) > 1 else None for values in differences]
    return tuple(
        None if interval is None else shown_side(interval.low, interval.high, next(adjusted), 1 - confidence)
        for interval in intervals
    )


def _tested(difference: AnyDifference, p: float, floor: float, alpha: float) -> AnyDifference:
    """Set the adjusted p, its smallest attainable value, the detectable difference, and the side of 0 that is shown."""
    return replace(
        difference,
        adjusted=p,
        floor=floor,
        detectable=difference.detectable if floor < alpha else math.nan,
        shown=shown_side(difference.low, difference.high, p, alpha),
    )


def _with_verdict(difference: BudgetDifference, endpoints: Endpoints) -> BudgetDifference:
    """Set the verdict with respect to the margin, if one is declared and no endpoints are."""
    settings, gain = endpoints.study.analysis, endpoints.study.metric.goal.sign * (difference.values_a - difference.values_b)
    if settings.margin is None or settings.endpoints or len(gain) < 2:
        return difference
    return replace(difference, verdict=verdict(gain, settings.margin, difference.adjusted, endpoints.bootstrap))
