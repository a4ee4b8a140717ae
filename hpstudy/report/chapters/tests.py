"""Alternative analyses at equal numbers of trials: robust summaries, rank tests, and the effect of pairing."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.comparisons.budgets import BudgetDifference
from hpstudy.analysis.comparisons.margin import ENOUGH
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.ranks import ZEROS
from hpstudy.analysis.supplement.pairs import BudgetSupplement
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.report import non_inferiority, numbers
from hpstudy.report.charts import iqm
from hpstudy.report.labels import cut
from hpstudy.report.model import Block, Paragraph, Section, Table, grouped, section
from hpstudy.report.notation import Notation, holm

MOST_VIEWS = 16
"""Maximum number of views whose mean ranks are in the row of a Friedman test; the JSON file has all."""

FEW = 5
"""Number of replicates below which Iman and Davenport's p is called too small. With three equal views, it is below 0.05 in 17% of the
studies of 2 replicates and in 20% of those of 3."""


def chapter(results: Results) -> Iterator[Section]:
    """Interquartile means; shifts and rank tests; paired and unpaired intervals; probabilities that one view is better."""
    if (supplement := results.supplement) is None or not any(view.iqm.searches.any() for view in supplement.views):
        return
    blocks: list[Block] = [iqm.chart(results, supplement)]
    if any(pair.budgets for pair in supplement.pairs):
        blocks += [_shifts(results, supplement), _pairing(results, supplement), _shares(results, supplement)]
        if results.study.analysis.margin is not None and not results.provisional:
            blocks.append(_bounds(results, supplement))
            blocks += [Paragraph(text) for text in non_inferiority.of_observed(results, supplement)]
    yield from section("Alternative statistics at the same number of trials", *blocks, _friedman(results, supplement))


def _shifts(results: Results, supplement: Supplement) -> Table:
    notation = Notation(results)
    rows = [
        (
            *first,
            *notation.cells(more.shift.estimate, more.shift.low, more.shift.high),
            numbers.metric(difference.effect, 2),
            str(more.signed_rank.zeros),
            numbers.p_cell(more.signed_rank.p),
            numbers.p_cell(float(adjusted)),
        )
        for (first, difference, more), adjusted in zip(_budgets(results, supplement), supplement.adjusted, strict=True)
    ]
    note = (
        "Shift: Hodges-Lehmann estimate of A − B, the median of the averages of all pairs of replicates. d_z: mean difference over the SD "
        "of the differences. Wilcoxon: two-sided signed-rank test of the same pairs, an alternative to the sign-flip test. Differences of "
        f"0 are counted as ties and treated by {ZEROS}'s method. {holm(len(rows))}"
    )
    lowest = min(more.shift.achieved for _, _, more in _budgets(results, supplement))
    if 0 < lowest < results.study.analysis.confidence - 1e-9:
        note += f" With this few replicates, the level of the shift's interval is at most {numbers.percent(round(lowest, 3))}."
    head = ("A − B", "trials", "shift", notation.ci, "d_z", "ties", "Wilcoxon p", "Holm")
    return Table("Shift and rank test.", head, grouped(rows), note=note)


def _pairing(results: Results, supplement: Supplement) -> Table:
    notation = Notation(results)
    rows = grouped(
        (
            *first,
            *notation.cells(difference.mean, difference.low, difference.high),
            notation.interval(more.unpaired.low, more.unpaired.high),
            numbers.metric(difference.correlation, 2),
            numbers.whole_percent(more.unpaired.reduction),
        )
        for first, difference, more in _budgets(results, supplement)
    )
    note = (
        "The unpaired interval (Welch) is that of the same searches if replicates had nothing in common. Variance reduction: share of the "
        "variance of an unpaired difference that pairing removes. Below 0, the views of a replicate are negatively correlated, and the "
        "unpaired interval is too short, not better."
    )
    head = ("A − B", "trials", "mean", f"{notation.ci}, paired", "CI, unpaired", "r", "variance reduction")
    return Table("Effect of pairing.", head, rows, note=note)


def _shares(results: Results, supplement: Supplement) -> Table:
    ci = Notation(results).ci
    rows = grouped(
        (*first, *numbers.share_cells(more.win_share), *numbers.share_cells(more.improvement))
        for first, _, more in _budgets(results, supplement)
    )
    note = (
        "Paired: share of the replicates in which A is better; ties count half (Wilson interval). Unpaired: probability that a randomly "
        "drawn search of A is better than a randomly drawn search of B (bootstrap). Both say how often A is better, not by how much."
    )
    head = ("A over B", "trials", "paired", ci, "unpaired", ci)
    return Table("How often the first view is better.", head, rows, note=note)


def _bounds(results: Results, supplement: Supplement) -> Table:
    notation = Notation(results)
    rows = grouped(
        (
            *first,
            notation.value(more.bounds.lower),
            notation.value(more.bounds.upper),
            *([] if results.declared else [difference.verdict or numbers.MISSING]),
        )
        for first, difference, more in _budgets(results, supplement)
    )
    margin = numbers.general(results.study.analysis.margin or 0)
    note = (
        f"Each bound holds by itself at {notation.level}: the outer one of Student's t and BCa. With both within ±{margin}, the declared "
        f"margin, and at least {ENOUGH} replicates the views are equivalent."
    )
    head: tuple[str, ...] = ("A − B", "trials", "above", "below", "verdict")
    if results.declared:
        head = head[:-1]
        note = (
            f"Each bound holds by itself at {notation.level}: the outer one of Student's t and BCa. Best observed values are biased by "
            "selection: the declared endpoints and claims decide whether views are equivalent."
        )
    return Table("One-sided bounds of the mean difference.", head, rows, note=note)


def _friedman(results: Results, supplement: Supplement) -> Table:
    rows = tuple(
        (
            str(budget),
            str(test.replicates),
            numbers.metric(test.chi_square, 1),
            numbers.metric(test.f, 2),
            numbers.p_cell(test.p),
            ", ".join(
                f"{cut(view.name, 14)} {numbers.metric(float(rank), 1)}"
                for view, rank in list(zip(supplement.views, test.ranks, strict=True))[:MOST_VIEWS]
            ),
        )
        for budget, test in zip(results.budgets, supplement.friedman, strict=True)
        if test is not None
    )
    note = (
        "Test whether any view differs, over replicates that are complete in all views: Friedman's statistic, and Iman and Davenport's "
        "F with its p. Rank 1 is the best view of a replicate. The comparisons of pairs show which views differ."
    )
    if any(test is not None and test.replicates < FEW for test in supplement.friedman):
        note += f" With fewer than {FEW} replicates this p is too small. That of the ranks of the views is by permutation."
    return Table("Joint test of all views.", ("trials", "n", "χ²", "F", "p", "mean ranks"), rows, note=note)


def _budgets(results: Results, supplement: Supplement) -> Iterator[tuple[tuple[str, str], BudgetDifference, BudgetSupplement]]:
    """Every comparison at every budget, with its first two cells."""
    for pair, more in zip(results.pairs, supplement.pairs, strict=True):
        for difference, of_budget in zip(pair.budgets, more.budgets, strict=True):
            yield (f"{pair.a} − {pair.b}", str(difference.budget)), difference, of_budget
