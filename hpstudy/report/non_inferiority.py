"""Whether a view that tunes fewer hyperparameters is non-inferior, by the bounds of its comparison.

Reference: Weerts, Mueller and Vanschoren (2020), Importance of tuning hyperparameters of machine learning algorithms, arXiv:2007.07588: a
hyperparameter need not be tuned when the result without tuning it is non-inferior.
"""

from __future__ import annotations

from hpstudy.analysis.comparisons.margin import ENOUGH
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.supplement.pairs import PairSupplement
from hpstudy.goal import Goal
from hpstudy.report import numbers
from hpstudy.report.notation import Notation


def of_fewer_hyperparameters(results: Results, pair: PairResult, more: PairSupplement) -> str:
    """Which hyperparameters one view leaves untuned, and what the declared margin makes of the loss; "" where both tune as many."""
    views, margin, n = results.study.views, results.study.analysis.margin, len(pair.replicates)
    fewer, other = sorted((pair.a, pair.b), key=lambda name: len(views[name].space))
    if margin is None or n < 2 or len(views[fewer].space) == len(views[other].space):
        return ""
    last, notation = more.budgets[-1], Notation(results)
    forward = (fewer == pair.b) == (notation.goal is Goal.MAXIMIZE)
    loss = last.bounds.upper if forward else -last.bounds.lower
    bound = numbers.metric(loss, numbers.telling(notation.decimals, (loss,), (margin,)))
    kept = set(views[fewer].space.names())
    names = ", ".join(name for name in views[other].space.names() if name not in kept)
    told = (
        f"{fewer} does not tune {names} of {other}. Non-inferiority of leaving them out (Weerts et al. 2020): after {last.budget} trials "
        f"the best {notation.metric} of {fewer} is worse by at most {bound} (one-sided bound at {notation.level}); "
        f"the margin is {numbers.general(margin)}."
    )
    if loss >= margin:
        return f"{told} {fewer} is not shown to be non-inferior."
    if n < ENOUGH:
        return f"{told} Non-inferiority is not judged with fewer than {ENOUGH} replicates."
    return f"{told} {fewer} is non-inferior."
