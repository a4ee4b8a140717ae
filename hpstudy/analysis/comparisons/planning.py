"""Number of replicates that the next study needs, for each comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import Literal

from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.deviation import paired_differences
from hpstudy.analysis.statistics.power import POWER, REPLICATES, Power, power
from hpstudy.display import number

Endpoint = Literal["final_best", "trials_to_target"]
"""Endpoints of a comparison: the best so far after the last trial, or min(trials-to-target, trials)."""


@dataclass(frozen=True)
class EndpointPower:
    """The plan for one comparison and one endpoint.

    Attributes:
        a, b: names of the views; differences are A minus B.
        endpoint: one of `Endpoint`.
        difference: true difference to detect, in the unit of the endpoint; None for none.
        power: power and required replicates, from the spread in the first study.
    """

    a: str
    b: str
    endpoint: Endpoint
    difference: float | None
    power: Power

    def __repr__(self) -> str:
        what, plan = self.endpoint.replace("_", " "), self.power
        needed = "" if plan.needed is None else f"; {plan.needed:,} replicates to detect {self.difference:g}"
        return f"<EndpointPower {what}, {self.a} - {self.b}: SD {number(plan.sd)} in {plan.replicates} replicates{needed}>"


def study_power(
    results: Results, difference: float | None, trials: float | None, *, target_power: float = POWER, alpha: float = 0.05
) -> tuple[EndpointPower, ...]:
    """Plan a study from the results of a first one.

    Args:
        results: results of the first study, finished or not; only replicates that are complete in both views are used.
        difference: difference of the final best to detect, in units of the metric.
        trials: difference of trials-to-target to detect.
        target_power: power of the test that detects the difference.
        alpha: level of the two-sided test. The report shows no difference if no sign-flip test can be below it.

    Returns:
        For each declared comparison, the plan for the final best and, with a target level, for trials-to-target; nothing for a
        comparison without common complete replicates.
    """
    plans = []
    for pair in results.pairs:
        if pair.budgets:
            last = pair.budgets[-1]
            plan = power(paired_differences(last.values_a, last.values_b), difference, power=target_power, alpha=alpha)
            plans.append(EndpointPower(pair.a, pair.b, "final_best", difference, _with_enough(plan, alpha)))
        if pair.trials is not None:
            plan = power(pair.trials.trials_a - pair.trials.trials_b, trials, power=target_power, alpha=alpha)
            plan = _attainable(plan, pair.trials.most)
            plans.append(EndpointPower(pair.a, pair.b, "trials_to_target", trials, _with_enough(plan, alpha)))
    return tuple(plans)


def _with_enough(plan: Power, alpha: float) -> Power:
    """The plan with at least as many replicates as the sign-flip test needs to be significant, and nothing detectable with fewer."""
    fewest = next(n for n in count(2) if 2.0 ** (1 - n) < alpha)
    needed, low, high = (None if n is None else max(n, fewest) for n in (plan.needed, plan.needed_low, plan.needed_high))
    sizes = zip((plan.replicates, *REPLICATES), (plan.detectable, *plan.detectable_at), strict=True)
    first, *others = (value if n >= fewest else float("nan") for n, value in sizes)
    return replace(plan, needed=needed, needed_low=low, needed_high=high, detectable=first, detectable_at=tuple(others))


def _attainable(plan: Power, largest: float) -> Power:
    """The plan without detectable differences larger than the largest observable one."""
    first, *others = (value if value <= largest else float("nan") for value in (plan.detectable, *plan.detectable_at))
    return replace(plan, detectable=first, detectable_at=tuple(others))
