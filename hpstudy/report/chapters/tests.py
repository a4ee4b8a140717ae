"""Second opinions at the same number of trials: robust summaries, rank tests, and what pairing gained."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.comparisons.budgets import BudgetDifference
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.statistics.ranks import ZEROS
from hpstudy.analysis.supplement.pairs import BudgetSupplement
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.report import numbers
from hpstudy.report.csvs import Row
from hpstudy.report.labels import cut
from hpstudy.report.model import Block, Section, Table
from hpstudy.report.tables import interval

MOST_VIEWS = 16
"""Views of a Friedman test whose mean ranks stand in its row; the JSON file has those of all."""


def iqm_curves(results: Results) -> Iterator[Row]:
    """The interquartile mean of every view's best-so-far curves."""
    yield "view", "trials", "searches", "iqm", "low", "high"
    for view in results.supplement.views if results.supplement else ():
        curve = view.iqm
        columns = (column.tolist() for column in (curve.searches, curve.iqm, curve.low, curve.high))
        for place, row in enumerate(zip(*columns, strict=True)):
            yield view.name, place + 1, *row


TABLES = {"iqm_curves": iqm_curves}


def chapter(results: Results) -> Iterator[Section]:
    """Interquartile means; shifts and rank tests; paired and unpaired intervals; how often one view beats the other."""
    if (found := results.supplement) is None or not any(view.iqm.searches.any() for view in found.views):
        return
    blocks: list[Block] = [_middle(results, found)]
    if any(pair.budgets for pair in found.pairs):
        blocks += [_shifts(results, found), _pairing(results, found), _shares(results, found)]
        if results.study.analysis.margin is not None:
            blocks.append(_bounds(results, found))
    if (several := _friedman(results, found)) is not None:
        blocks.append(several)
    yield Section("Second opinions at the same number of trials", tuple(blocks))


def _middle(results: Results, found: Supplement) -> Table:
    decimals = numbers.decimals_of(results)
    rows = [
        (
            str(budget) if view is found.views[0] else "",
            view.name,
            str(int(view.iqm.searches[budget - 1])),
            numbers.metric(float(view.iqm.iqm[budget - 1]), decimals),
            interval(float(view.iqm.low[budget - 1]), float(view.iqm.high[budget - 1]), decimals),
        )
        for budget in results.budgets
        for view in found.views
    ]
    head = ("trials", "view", "searches", "IQM", f"{_level(results)} CI")
    note = "Mean of the middle half of the searches: a quarter at either end, in whole searches, is left out."
    return Table(f"Interquartile mean of the best {results.study.metric.name}.", head, tuple(rows), left=2, note=note)


def _shifts(results: Results, found: Supplement) -> Table:
    decimals = numbers.decimals_of(results)
    rows = [
        (
            *_place(pair, budget),
            numbers.metric(more.shift.estimate, decimals),
            interval(more.shift.low, more.shift.high, decimals),
            numbers.metric(budget.effect, 2),
            str(more.signed_rank.zeros),
            numbers.p_value(more.signed_rank.p).removeprefix("= "),
            numbers.p_value(float(adjusted)).removeprefix("= "),
        )
        for (pair, budget, more), adjusted in zip(_budgets(results, found), found.adjusted, strict=True)
    ]
    note = (
        "Shift: Hodges-Lehmann estimate of A − B, the median of the averages of all two replicates. d_z: mean difference over "
        "the SD of the differences. Wilcoxon: two-sided signed-rank test of the same pairs, the second test; the first is the "
        f"sign-flip test. Differences of 0 are counted as ties and treated by {ZEROS}'s method. Holm: adjusted over the "
        f"{len(rows)} tests of this table."
    )
    lowest = min(more.shift.achieved for _, _, more in _budgets(results, found))
    if lowest < results.study.analysis.confidence - 1e-9:
        note += f" So few replicates give the interval of the shift no more than {numbers.percent(round(lowest, 3))}."
    head = ("A − B", "trials", "shift", f"{_level(results)} CI", "d_z", "ties", "Wilcoxon p", "Holm")
    return Table("Shift and rank test.", head, tuple(rows), note=note)


def _pairing(results: Results, found: Supplement) -> Table:
    decimals = numbers.decimals_of(results)
    rows = tuple(
        (
            *_place(pair, budget),
            numbers.metric(budget.mean, decimals),
            interval(budget.low, budget.high, decimals),
            interval(more.unpaired.low, more.unpaired.high, decimals),
            numbers.metric(budget.correlation, 2),
            _percent(more.unpaired.reduction),
        )
        for pair, budget, more in _budgets(results, found)
    )
    note = (
        "The unpaired interval (Welch) is what the same searches would tell if replicates had nothing in common. Variance taken "
        "away: of an unpaired difference by pairing; below 0 the views of a replicate moved against each other, and the unpaired "
        "interval is too short, not better."
    )
    head = ("A − B", "trials", "mean", f"{_level(results)} CI, paired", "CI, unpaired", "r", "variance taken away")
    return Table("What pairing gained.", head, rows, note=note)


def _shares(results: Results, found: Supplement) -> Table:
    rows = tuple(
        (*_place(pair, budget), *_share(more.win_share), *_share(more.improvement))
        for pair, budget, more in _budgets(results, found)
    )
    level = _level(results)
    note = (
        "In a replicate: share of the replicates in which A is better, ties count half (Wilson's interval). Any against any: "
        "chance that a search of A, whichever, is better than a search of B, whichever (bootstrap); it does not use the pairing. "
        "Both say how often, not by how much."
    )
    head = ("A over B", "trials", "in a replicate", f"{level} CI", "any against any", f"{level} CI")
    return Table("How often the first view is better.", head, rows, note=note)


def _bounds(results: Results, found: Supplement) -> Table:
    decimals = numbers.decimals_of(results)
    rows = tuple(
        (
            *_place(pair, budget),
            numbers.metric(more.bounds.lower, decimals),
            numbers.metric(more.bounds.upper, decimals),
            budget.verdict or numbers.MISSING,
        )
        for pair, budget, more in _budgets(results, found)
    )
    margin = numbers.general(results.study.analysis.margin or 0)
    note = f"Each bound holds by itself at {_level(results)}; both within ±{margin}, the declared margin, is equivalence."
    return Table("One-sided bounds of the mean difference.", ("A − B", "trials", "above", "below", "verdict"), rows, note=note)


def _friedman(results: Results, found: Supplement) -> Table | None:
    rows = tuple(
        (
            str(budget),
            str(test.replicates),
            numbers.metric(test.chi_square, 1),
            numbers.metric(test.f, 2),
            numbers.p_value(test.p).removeprefix("= "),
            ", ".join(
                f"{cut(view.name, 14)} {numbers.metric(float(rank), 1)}"
                for view, rank in list(zip(found.views, test.ranks, strict=True))[:MOST_VIEWS]
            ),
        )
        for budget, test in zip(results.budgets, found.friedman, strict=True)
        if test is not None
    )
    if not rows:
        return None
    note = (
        "Whether any view differs, over replicates that are complete in all views: Friedman's statistic, and Iman and Davenport's "
        "F with its p. Rank 1 is the best view of a replicate. Which views differ is for the comparisons of pairs."
    )
    return Table("All views at once.", ("trials", "n", "χ²", "F", "p", "mean ranks"), rows, note=note)


def _budgets(results: Results, found: Supplement) -> Iterator[tuple[str, BudgetDifference, BudgetSupplement]]:
    """Every comparison at every budget, with what else is known of it."""
    for pair, more in zip(results.pairs, found.pairs, strict=True):
        for budget, extended in zip(pair.budgets, more.budgets, strict=True):
            yield f"{pair.a} − {pair.b}" if budget is pair.budgets[0] else "", budget, extended


def _place(pair: str, budget: BudgetDifference) -> tuple[str, str]:
    return pair, str(budget.budget)


def _share(share: Estimate) -> tuple[str, str]:
    return _percent(
        share.value
    ), numbers.MISSING if share.low != share.low else f"{_percent(share.low)} to {_percent(share.high)}"


def _percent(share: float) -> str:
    """A share in whole per cent: a few replicates tell no more."""
    return numbers.MISSING if share != share else f"{numbers.whole(round(100 * share))} %"


def _level(results: Results) -> str:
    return numbers.percent(results.study.analysis.confidence)
