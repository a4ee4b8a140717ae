"""Texts about the declared endpoints of several studies: a sentence for each comparison, and a table."""

from __future__ import annotations

from collections.abc import Mapping

from hpstudy.analysis.cross_study import Several
from hpstudy.analysis.joint_endpoints import JointEndpoint
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.report import endpoints, numbers
from hpstudy.report.endpoint_answers import goal, verdict
from hpstudy.report.model import Table, grouped
from hpstudy.report.notation import Notation

PLACES = 3
"""Number of decimals on the common scale."""


def by_title(compared: Several) -> Mapping[str, list[JointEndpoint]]:
    """The comparisons grouped by endpoint, the primary endpoints first."""
    groups: dict[str, list[JointEndpoint]] = {}
    for one in sorted(compared.endpoints, key=lambda one: not one.primary):
        groups.setdefault(_title(compared, one), []).append(one)
    return groups


def _title(compared: Several, one: JointEndpoint) -> str:
    """The name of the endpoint's quantity, valid for every study."""
    titles = {endpoints.title(results, one.endpoint) for results in compared.studies}
    name = titles.pop() if len(titles) == 1 else endpoints.name(one.endpoint).capitalize()
    return name if counts_trials(one) else f"{name}, on the common scale"


def counts_trials(one: JointEndpoint) -> bool:
    """Whether the endpoint is a number of trials, which needs no scale."""
    return one.endpoint.use in ("trials_to_within", "trials_to_target")


def in_short(one: JointEndpoint) -> str:
    """A short name of the endpoint, for the axis of a figure."""
    plateau = "best plateau" if one.endpoint.of_best_plateau else "own plateau"
    return {
        "confirmed_regret": f"regret, {plateau}",
        "trials_to_within": f"trials to {plateau}",
        "final": "final confirmed value",
        "trials_to_target": "trials to the target",
    }[one.endpoint.use]


def answer(compared: Several, title: str, comparisons: list[JointEndpoint]) -> str:
    """One endpoint over all studies, in a sentence for each comparison; no verdict while a study is incomplete."""
    return " ".join([f"{title}, mean of {len(compared.studies)} studies.", *(_comparison(compared, one) for one in comparisons)])


def _comparison(compared: Several, one: JointEndpoint) -> str:
    what = f"{one.a} minus {one.b}"
    if one.together is None:
        return f"{what}: no mean, since in at least one study no search of a view reaches {goal(one.endpoint)}."
    value, interval = _cells(one, one.together)
    if one.p != one.p:
        return f"{what} {value}, without an interval."
    family = sum(other.primary == one.primary and other.p == other.p for other in compared.endpoints)
    p = f"{'Holm p' if family > 1 else 'p'} {numbers.p_value(one.adjusted)}"
    estimate = f"{what} {value} ({Notation(compared.studies[0]).ci} {interval}; {p})."
    if any(results.provisional for results in compared.studies):
        return estimate
    return f"{verdict(one.endpoint, one.a, one.b, one.shown) if one.shown else 'No difference shown'}: {estimate}{_split(compared, one)}"


def _split(compared: Several, one: JointEndpoint) -> str:
    """The statement that studies show opposite differences, which their mean hides, with a leading space; "" if they do not."""
    if len(set(one.alone) - {""}) < 2:
        return ""
    names = [results.study.name for results in compared.studies]
    better = (f"{view} is better in {name}" for name, view in zip(names, one.alone, strict=True) if view)
    return f" The studies disagree: {', '.join(better)}."


def table(compared: Several) -> Table:
    """Every endpoint of every comparison, in each study and over all studies."""
    ci = Notation(compared.studies[0]).ci
    rows = []
    for title, comparisons in by_title(compared).items():
        for one in comparisons:
            of_studies = [_of_study(one, *each) for each in zip(one.studies, one.reached, strict=True)]
            rows.append((title, f"{one.a} − {one.b}", *of_studies, *_cells(one, one.together), numbers.p_cell(one.adjusted)))
    head = ("endpoint", "A − B", *(results.study.name for results in compared.studies), "together", ci, "Holm p")
    note = (
        f"In brackets and next to the mean: {ci}. Holm: over the comparisons of the endpoints that are primary in every study, and over "
        "those of the others. On the common scale, a regret above 0 is larger for the first view, a final value above 0 is better."
    )
    return Table("Declared endpoints by study and together, A minus B.", head, grouped(rows), left=2, note=note)


def _of_study(one: JointEndpoint, estimate: CountedEstimate, reached: tuple[int, int] | None) -> str:
    if reached is None:
        return numbers.with_interval(*_cells(one, estimate))
    return numbers.with_interval(*numbers.restricted(estimate.value, estimate.low, estimate.high, reached, estimate.n))


def _cells(one: JointEndpoint, estimate: CountedEstimate | None) -> tuple[str, str]:
    return numbers.estimate_cells(estimate, numbers.trials) if counts_trials(one) else numbers.metric_cells(estimate, PLACES)


DEFINITIONS = (
    "Confirmed value: the mean of the best point of a search so far on fresh seeds. Plateau: what a view can reach when it is well tuned, "
    "as in the report of each study. Common scale: 0 is the median first trial of a study, 1 the best value of any of its trials. "
    "Studies weigh equally."
)
"""The definitions of the terms in the answers."""


def methods(compared: Several) -> str:
    """The method of averaging endpoints over studies."""
    alpha = numbers.general(1 - compared.studies[0].study.analysis.confidence, 2)
    return (
        "Endpoints are those that all studies declare, with the same delta and number of trials; no study declares their mean over "
        "studies. Trials need no scale; regrets and final values are divided by the width of their study's scale. Replicates are paired "
        "within a study, and between studies with the same seed, whose replicates share initial points and training seeds. Studies weigh "
        "equally: their mean has Student's t interval and test with the degrees of freedom of Satterthwaite; the interval of trials is cut "
        "at the smallest and largest possible difference. A difference is shown if its p, corrected by Holm within the primary or within "
        f"the other endpoints, is below {alpha}."
    )
