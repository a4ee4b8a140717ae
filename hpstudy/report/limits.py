"""Limits of the evidence: few replicates, searches that never reach the target, and a level that only single trainings reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.permutation import smallest_p
from hpstudy.report import numbers
from hpstudy.report.notation import Notation

HEAVY = 0.25
"""Share of a view's searches that do not reach the target above which the report warns."""

ROUGH_BELOW = 6
"""Number of replicates below which intervals are called rough.

With 5, bootstrap intervals are too short (docs/reference/statistics.md), and the smallest p of a two-sided sign-flip test is 0.0625.
"""


def has_band(results: Results, replicates: int) -> bool:
    """Whether a simultaneous band is shown: not with few replicates, where it can exclude 0 although no test can be significant."""
    return replicates >= ROUGH_BELOW and smallest_p(replicates) < 1 - results.study.analysis.confidence


def sentences(results: Results, pair: PairResult) -> Iterator[str]:
    """Warnings about the target, for display with the answer."""
    trials, n = pair.trials, len(pair.replicates)
    assert trials is not None, "there is a difference of trials"
    late = {pair.a: n - trials.reached_a, pair.b: n - trials.reached_b}
    if heavy := ", ".join(censored(late, n)):
        yield (
            f"Heavy censoring ({heavy}): more than {numbers.percent(HEAVY)} of the searches never reached the target, so the difference "
            "says little about how many trials they would need."
        )
    yield from beyond(results, (pair.a, pair.b))


def censored(late: Mapping[str, int], n: int) -> list[str]:
    """The warning about views many of whose n searches never reach the target; `late` is the number of such searches by view."""
    return [view for view, count in late.items() if count > HEAVY * n]


def beyond(results: Results, views: Iterable[str]) -> Iterator[str]:
    """Comparison of the target with the values of the chosen points on fresh seeds."""
    notation, level = Notation(results), results.level
    if results.confirmation is None or level is None or level.value is None:
        return
    goal = notation.goal
    means = {view.data.view: view.metrics[0].tuned.value for view in results.confirmation.views}
    short = [(view, means[view]) for view in views if view in means and not goal.reached(means[view], level.value)]
    if short:
        reached = ", ".join(f"{view} {notation.value(mean)}" for view, mean in short)
        yield f"The target is beyond the mean of the chosen points on fresh seeds ({reached})."
