"""Sensitivity of the answer to single replicates, the treatment of failures, range ends, and the unit of the budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from hpstudy.analysis.curves.training_epochs import EpochDifference
from hpstudy.analysis.exploration.range_ends import MARGIN
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.report import endpoints, numbers
from hpstudy.report.charts import best_by_seconds, leave_one_out
from hpstudy.report.model import Block, Paragraph, Section, Table, grouped, section
from hpstudy.report.notation import Notation

Comparison: TypeAlias = "tuple[PairResult | EpochDifference, Iterable[str], tuple[Estimate, ...], float]"
"""Two views after equal amounts of training: the views, the amounts, the differences, and the ratio over a whole search."""


def chapter(results: Results) -> Iterator[Section]:
    """All checks of sensitivity."""
    if (supplement := results.supplement) is None or not supplement.views:
        return
    parts: dict[str, Iterable[Block]] = {
        "One replicate left out": _one_left_out(results),
        "Trials without a value": [*_policies(results), _endpoints_under_policies(results)],
        "The initial design": [_initial(results, supplement)],
        "Best points near the ends of their ranges": [_boundaries(results, supplement)],
        "Equal epochs of training instead of equal trials": _epochs(results),
        "Equal seconds of training instead of equal trials": _costs(results, supplement),
    }
    if checks := [check for title, blocks in parts.items() for check in section(title, *blocks, level=2)]:
        yield Section("Robustness", ())
        yield from checks


def _one_left_out(results: Results) -> list[Block]:
    notation = Notation(results)
    rows = []
    for pair, supplement in leave_one_out.pairs(results):
        for what, spread in leave_one_out.quantities(supplement):
            of_trials = what == "trials_to_target"
            rows.append(
                (
                    f"{pair.a} − {pair.b}",
                    "trials-to-target" if of_trials else f"best {notation.metric}",
                    *numbers.cells(spread.full, spread.low, spread.high, numbers.trials if of_trials else notation.value),
                    str(int(pair.replicates[spread.replicate])),
                    "yes" if spread.one_sided else "no",
                )
            )
    if not rows:
        return []
    head = ("A − B", "difference of", "all replicates", "one left out", "most moved by replicate", "all on one side of 0")
    note = "Smallest and largest mean difference when each replicate in turn is left out with all its views (counted from 0)."
    table = Table("Mean differences with one replicate left out.", head, tuple(rows), left=2, note=note)
    return [leave_one_out.chart(results), table]


def _policies(results: Results) -> list[Block]:
    pairs = leave_one_out.pairs(results)
    if not pairs:
        return []
    notation, with_target = Notation(results), results.level is not None and results.level.value is not None
    rows = tuple(
        (
            f"{pair.a} − {pair.b}",
            "spent" if outcome.policy == "worst" else f"not counted ({numbers.count(outcome.left_out)})",
            *(numbers.estimate_cells(outcome.trials, numbers.trials) if with_target else ()),
            *notation.estimate(outcome.budgets[0]),
        )
        for pair, supplement in pairs
        if any(outcome.left_out for outcome in supplement.policies)
        for outcome in supplement.policies
    )
    if not rows:
        return [Paragraph("Every trial of the compared searches has a value, so the treatment of failures does not matter.")]
    times = ("trials-to-target", notation.ci) if with_target else ()
    head = ("A − B", "a trial without a value is", *times, f"best after {results.budgets[0]}", notation.ci)
    note = (
        "Spent: a trial without a value counts like any other, and before the first value as the worst value of the study. Not counted: "
        "later trials move up, as if it had cost nothing. The final best is the same in both, except for searches without any value."
    )
    return [Table("Differences under two ways of counting trials without a value.", head, rows, left=2, note=note)]


def _endpoints_under_policies(results: Results) -> Table:
    """Every declared difference of confirmed values, with a column for each policy."""
    rows = []
    for same in zip(*(of.endpoints for of in results.policies), strict=True):
        known = [result.declared for result in same if result.declared is not None]
        if len(known) < len(same):
            continue
        for pairs in zip(*(declared.pairs for declared in known), strict=True):
            cells = [endpoints.difference(results, *of) for of in zip(same, known, pairs, strict=True)]
            texts = (numbers.with_interval(*cell) for cell in cells)
            rows.append((endpoints.title(results, same[0].endpoint), f"{pairs[0].a} − {pairs[0].b}", *texts))
    declared = results.study.metric.on_failure
    columns = {"worst": "worst value", "drop": "left out", "median": "median value"}
    head = tuple(f"{columns[of.policy]}{' (declared)' if of.policy == declared else ''}" for of in results.policies)
    note = (
        f"Differences with {Notation(results).ci}, if a training on a fresh seed without a value counts as the worst value of the study, "
        "is left out of the mean of its incumbent, or counts as the median of all values. In the last column, so do the trials before the "
        "first value of a search; in the others, these count as the worst value."
    )
    caption = "Declared endpoints under several treatments of trainings without a value."
    return Table(caption, ("endpoint", "A − B", *head), grouped(rows), left=2, note=note)


def _initial(results: Results, supplement: Supplement) -> Table:
    designs = [(view.name, view.initial) for view in supplement.views if view.initial is not None]
    rows = tuple(
        (
            name,
            str(design.trials),
            f"{design.chosen} of {design.searches}",
            *numbers.share_cells(Estimate(design.chosen / design.searches, design.low, design.high)),
        )
        for name, design in designs
    )
    alike = numbers.percent(round((designs[0][1].trials if designs else 0) / results.study.search.trials, 3))
    note = (
        f"Complete searches. If all trials were equally likely to be the best, {alike} of the best trials would be in the design. The "
        "study does not show what a design of another size would give."
    )
    head = ("view", "trials of the design", "best trial in the design", "share", Notation(results).ci)
    return Table("Searches whose best trial belongs to their initial design.", head, rows, note=note)


def _boundaries(results: Results, supplement: Supplement) -> Table:
    rows = [
        (
            view.name,
            hits.name,
            str(hits.searches),
            str(hits.at_low),
            str(hits.at_high),
            *numbers.share_cells(Estimate(hits.share, hits.low, hits.high)),
        )
        for view in supplement.views
        for hits in view.boundaries
        if hits.searches
    ]
    edge = numbers.percent(MARGIN)
    note = (
        f"Searches whose best point lies within {edge} of the (log) range of its lower or upper end, to compare their share with that of "
        "chance; the exploration of the search spaces counts those at an end itself. Points spread evenly over a "
        f"wide range would lie there in {numbers.percent(2 * MARGIN)}; integers of a short range do so more often. A higher share "
        "means that the range cuts off good values, or that the hyperparameter matters little."
    )
    head = ("view", "hyperparameter", "searches", "near the low end", "near the high end", "share", Notation(results).ci)
    return Table("Best points near the ends of their ranges.", head, grouped(rows), left=2, note=note)


def _epochs(results: Results) -> list[Block]:
    """The comparison at equal epochs; a sentence if all trials train for the same number of epochs."""
    epochs = results.epochs
    if epochs is None:
        return []
    if epochs.equal:
        return [
            Paragraph(f"Every trial reports {numbers.things(epochs.views[0].most, 'epoch')}, so equal trials are equal epochs.")
        ]
    notation = Notation(results)
    rows = tuple(
        (
            view.view,
            f"{numbers.count(view.fewest)} to {numbers.count(view.most)}",
            *numbers.estimate_cells(view.of_search, numbers.trials),
        )
        for view in epochs.views
    )
    note = "The epochs of a trial: the last epoch that it reported, plus one if epochs begin at 0. Mean over complete searches."
    if epochs.unrecorded:
        note += (
            f" {numbers.things(epochs.unrecorded, 'finished trial')} reported none and "
            f"{numbers.plural(epochs.unrecorded, 'counts', 'count')} as 0."
        )
    blocks: list[Block] = [Table("Epochs of training.", ("view", "of a trial", "of a search", notation.ci), rows, note=note)]
    compared = ((pair, map(numbers.trials, pair.epochs), pair.differences, pair.ratio) for pair in epochs.pairs)
    return [*blocks, _after_equal_training(results, "epochs", compared)]


def _costs(results: Results, supplement: Supplement) -> list[Block]:
    costs = [(view.name, view.cost) for view in supplement.views if view.cost is not None]
    if not costs:
        return []
    rows = tuple(
        (name, *(cell for mean in (cost.search_s, cost.ask_s) for cell in numbers.estimate_cells(mean, numbers.duration)))
        for name, cost in costs
    )
    ci = Notation(results).ci
    head = ("view", "training", ci, "choosing points", ci)
    note = "Wall time of a complete search, mean over searches. It depends on the machine and on its load during the study."
    if supplement.unrecorded:
        note += (
            f" For {numbers.things(supplement.unrecorded, 'finished trial')} no time is recorded; "
            f"{numbers.plural(supplement.unrecorded, 'it counts', 'they count')} as 0 s."
        )
    blocks: list[Block] = [best_by_seconds.chart(results, supplement), Table("Seconds of a search.", head, rows, note=note)]
    compared = (
        (pair, map(numbers.duration, cost.seconds), cost.differences, cost.ratio_s)
        for pair, more in leave_one_out.pairs(results)
        if (cost := more.cost) is not None
    )
    return [*blocks, _after_equal_training(results, "seconds", compared)]


def _after_equal_training(results: Results, unit: str, compared: Iterable[Comparison]) -> Table:
    """The table of the best values after equal amounts of training.

    Args:
        results: results of the study.
        unit: unit of the amounts.
        compared: pair, amounts, differences at these amounts, and ratio of the amounts of a whole search.
    """
    notation = Notation(results)
    rows = [
        (
            f"{pair.a} − {pair.b}",
            amount,
            *notation.estimate(mean),
            "" if position else f"× {numbers.general(ratio, 2)}",
        )
        for pair, amounts, differences, ratio in compared
        for position, (amount, mean) in enumerate(zip(amounts, differences, strict=True))
    ]
    note = (
        f"Paired replicates. The larger number of {unit} is the largest that all searches of both views have trained. The other is half of "
        f"it, if all had finished a trial by then. A / B: ratio of the {unit} of training of a whole search."
    )
    head = ("A − B", "trained for", "mean", notation.ci, "A / B")
    caption = f"Best {notation.metric} after equal {unit} of training."
    return Table(caption, head, grouped(rows), note=note)
