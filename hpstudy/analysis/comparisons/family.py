"""Multiple testing: adjusted p-values and verdicts of the comparisons of a study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.comparisons.budgets import BudgetDifference
from hpstudy.analysis.comparisons.margin import Side, shown_side, verdict
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.statistics.permutation import SignFlip, holm, sign_flip
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.targets.trials_to_target import TrialsDifference


def with_verdicts(pairs: Sequence[PairResult], endpoints: Endpoints) -> tuple[PairResult, ...]:
    """Set the adjusted p and the verdict of every comparison.

    The sign-flip tests of all (comparison, budget) are one family, those of trials-to-target of all comparisons another (Holm). In a study
    with declared endpoints only the endpoints have verdicts, and best observed values have none.
    """
    budgets = [difference.test for pair in pairs for difference in pair.budgets]
    trials = [pair.trials.test for pair in pairs if pair.trials is not None]
    of_budgets = zip(_adjusted(budgets), floors(budgets), strict=True)
    of_trials = zip(_adjusted(trials), floors(trials), strict=True)
    return tuple(
        replace(
            pair,
            budgets=tuple(_budget(difference, *next(of_budgets), endpoints) for difference in pair.budgets),
            trials=None if pair.trials is None else _trials(pair.trials, *next(of_trials), endpoints),
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


def _budget(difference: BudgetDifference, p: float, floor: float, endpoints: Endpoints) -> BudgetDifference:
    settings, gain = endpoints.study.analysis, endpoints.study.metric.goal.sign * (difference.values_a - difference.values_b)
    return replace(
        difference,
        adjusted=p,
        floor=floor,
        detectable=difference.detectable if floor < 1 - settings.confidence else math.nan,
        shown=shown_side(difference.low, difference.high, p, 1 - settings.confidence),
        verdict=(
            None
            if settings.margin is None or settings.endpoints or len(gain) < 2
            else verdict(gain, settings.margin, p, endpoints.bootstrap)
        ),
    )


def _trials(trials: TrialsDifference, p: float, floor: float, endpoints: Endpoints) -> TrialsDifference:
    alpha = 1 - endpoints.study.analysis.confidence
    return replace(
        trials,
        adjusted=p,
        floor=floor,
        detectable=trials.detectable if floor < alpha else math.nan,
        shown=shown_side(trials.low, trials.high, p, alpha),
    )
