"""Text on whether a view that tunes fewer hyperparameters is non-inferior, from the bounds of its comparison.

Reference: Weerts, Mueller and Vanschoren (2020), Importance of tuning hyperparameters of machine learning algorithms,
https://arxiv.org/abs/2007.07588: a hyperparameter need not be tuned if the result without tuning it is non-inferior.
"""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.comparisons.margin import ENOUGH, Bounds
from hpstudy.analysis.results import Results
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.goal import Goal
from hpstudy.report import numbers
from hpstudy.report.notation import Notation


def of_observed(results: Results, supplement: Supplement) -> Iterator[str]:
    """A sentence for every comparison of best observed values; empty if each replicate has values on its own fresh seeds instead."""
    if results.confirmed:
        return
    trials, metric = numbers.things(results.study.search.trials, "trial"), Notation(results).metric
    for pair, more in zip(results.pairs, supplement.pairs, strict=True):
        if len(pair.replicates) > 1 and more.budgets:
            value = f"after {trials} the best {metric}"
            yield from _of_fewer(results, (pair.a, pair.b), more.budgets[-1].bounds, len(pair.replicates), value)


def of_confirmed(results: Results) -> Iterator[str]:
    """A sentence for every comparison of the means of the chosen points on the fresh seeds of each replicate."""
    confirmation = results.confirmation
    lost = {view.data.view: view.data.lost for view in confirmation.views} if confirmation is not None else {}
    for pair in confirmation.pairs if confirmation is not None else ():
        objective = pair.differences[0]
        if objective.bounds is not None and objective.mean.n > 1:
            value = f"on fresh seeds the {Notation(results).metric}"
            without_value = lost[pair.a] + lost[pair.b]
            yield from _of_fewer(results, (pair.a, pair.b), objective.bounds, objective.mean.n, value, without_value)


def _of_fewer(results: Results, pair: tuple[str, str], bounds: Bounds, n: int, value: str, lost: int = 0) -> Iterator[str]:
    """The hyperparameters that one view does not tune, and the verdict on the loss; empty if both views tune equally many.

    There is no verdict if trainings are lost: the mean of the others does not contain the failures.

    Args:
        results: results of the study.
        pair: names of A and B.
        bounds: one-sided bounds of A minus B.
        n: number of replicates.
        value: name of the compared value.
        lost: number of trainings without a value, which are in no mean.
    """
    views, margin = results.study.views, results.study.analysis.margin
    fewer, other = sorted(pair, key=lambda name: len(views[name].space))
    if margin is None or results.provisional or len(views[fewer].space) == len(views[other].space):
        return
    notation = Notation(results)
    forward = (fewer == pair[1]) == (notation.goal is Goal.MAXIMIZE)
    loss = bounds.upper if forward else -bounds.lower
    bound = numbers.metric(loss, numbers.telling_decimals(notation.decimals, (loss,), (margin,)))
    left_out, added = (_only_of(results, *names) for names in ((other, fewer), (fewer, other)))
    text = (
        f"{fewer} does not tune {left_out} of {other}{f', and tunes {added} instead' if added else ''}. Non-inferiority of tuning fewer "
        f"hyperparameters (Weerts et al. 2020): {value} of {fewer} is worse by at most {bound} (one-sided bound at {notation.level}); the "
        f"margin is {numbers.general(margin)}."
    )
    if loss >= margin:
        yield f"{text} {fewer} is not shown to be non-inferior."
    elif lost:
        trainings = numbers.things(lost, "training")
        yield f"{text} Non-inferiority is not judged, since {trainings} on fresh seeds gave no value and are in no mean."
    elif n < ENOUGH:
        yield f"{text} Non-inferiority is not judged with fewer than {ENOUGH} replicates."
    else:
        yield f"{text} {fewer} is non-inferior."


def _only_of(results: Results, view: str, other: str) -> str:
    """The hyperparameters that `view` tunes and `other` does not, as a list."""
    views = results.study.views
    common = set(views[other].space.names())
    return ", ".join(name for name in views[view].space.names() if name not in common)
