"""Text about the paired difference of the final best, and about any difference that is not shown."""

from __future__ import annotations

import math
from collections.abc import Callable

from hpstudy.analysis.comparisons.budgets import BudgetDifference
from hpstudy.analysis.comparisons.margin import ENOUGH, Verdict
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.targets.trials_to_target import TrialsDifference
from hpstudy.report import numbers
from hpstudy.report.notation import Notation

_VERDICTS: dict[Verdict, str] = {
    "superior": "superior to",
    "inferior": "inferior to",
    "equivalent": "equivalent to",
    "non-inferior": "non-inferior to",
    "inconclusive": "neither shown to be non-inferior nor to be inferior to",
}


def at_the_end(results: Results, pair: PairResult) -> str:
    """The text about the paired difference of the final best."""
    last, notation = pair.budgets[-1], Notation(results)
    estimate = (
        f"After {numbers.all_things(last.budget, 'trial')} the best {notation.metric}, {pair.a} minus {pair.b}, is "
        f"{notation.value(last.mean)}"
    )
    if len(pair.replicates) < 2:
        return f"{estimate}."
    margin = results.study.analysis.margin
    low, high = notation.ends(last.low, last.high, 0.0, *(() if margin is None else (margin, -margin)))
    if results.provisional:
        return f"{estimate} ({notation.ci} {low} to {high})."
    text = f"{estimate} ({notation.ci} {low} to {high}, sign-flip p {numbers.p_value(last.test.p)})."
    if last.shown:
        text += f" {pair.a if notation.goal.sign * last.mean > 0 else pair.b} ends better."
    else:
        reason = why_not_shown(last, results.study.analysis.confidence)
        text += f" No difference shown.{reason}{detectable(last.detectable, notation.value, len(results.adjusted))}"
    return text if margin is None or last.verdict is None else f"{text} {_against(last.verdict, margin, pair)}"


def _against(verdict: Verdict, margin: float, pair: PairResult) -> str:
    """The verdict on the final difference, or the reason for its absence."""
    n, size = len(pair.replicates), numbers.general(margin)
    if verdict == "inconclusive" and n < ENOUGH:
        return (
            f"Equivalence within {size} is not judged with fewer than {ENOUGH} replicates: a large loss in a tenth of the searches may be "
            f"absent from these {n}."
        )
    return f"Against the margin of {size}, {pair.a} is {_VERDICTS[verdict]} {pair.b}."


def why_not_shown(difference: BudgetDifference | TrialsDifference, confidence: float) -> str:
    """Why no difference is shown, with a leading space: no difference can be significant, or test and interval disagree; else ""."""
    includes_zero = difference.low <= 0 <= difference.high
    if difference.floor >= 1 - confidence:
        n, floor = numbers.things(difference.replicates, "replicate"), numbers.general(difference.floor, 2)
        opening = f"{n} cannot show one" if includes_zero else f"The interval excludes 0, but {n} cannot show a difference"
        return f" {opening}: no adjusted p is below {floor}."
    if includes_zero:
        return ""
    p = numbers.p_value(difference.adjusted)
    test = "the test, adjusted for all comparisons," if difference.adjusted > difference.test.p else "the sign-flip test"
    return f" The interval excludes 0, but {test} does not reject (p {p})."


def detectable(difference: float, shown: Callable[[float], str], tests: int) -> str:
    """The detectable difference, which follows every "no difference", with a leading space; "" if it is not known.

    Args:
        difference: detectable difference of a single test.
        shown: formats a difference.
        tests: number of tests in the family.
    """
    if not 0 < difference < math.inf:
        return ""
    return f" A true difference of {shown(difference)} is found with 80% power{', before Holm correction' if tests > 1 else ''}."
