"""Whether the answer hangs on one replicate, on how failures count, on the ends of the ranges, or on counting trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hpstudy.analysis.exploration.range_ends import MARGIN
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.report import numbers
from hpstudy.report.charts import best_by_seconds, leave_one_out
from hpstudy.report.model import Block, Paragraph, Section, Table
from hpstudy.report.tables import interval

TABLES = {"leave_one_out": leave_one_out.leave_one_out, "best_by_seconds": best_by_seconds.best_by_seconds}


def chapter(results: Results) -> Iterator[Section]:
    """Each way in which the answer could be an accident of how it was asked."""
    if (found := results.supplement) is None or not found.views:
        return
    parts = (
        ("One replicate left out", _one_left_out(results)),
        ("Trials without a value", _policies(results)),
        ("Best points at the ends of their ranges", _boundaries(results, found)),
        ("Equal seconds of training instead of equal trials", _costs(results, found)),
    )
    if not any(blocks for _, blocks in parts):
        return
    yield Section("Robustness", ())
    for title, blocks in parts:
        if blocks:
            yield Section(title, tuple(blocks), level=2)


def _one_left_out(results: Results) -> list[Block]:
    rows = []
    for pair, more in leave_one_out.pairs(results):
        for what, found in leave_one_out.quantities(more):
            text = _unit(results, what)
            rows.append(
                (
                    f"{pair.a} − {pair.b}",
                    "trials-to-target" if what == "trials_to_target" else f"best {results.study.metric.name}",
                    text(found.full),
                    f"{text(found.low)} to {text(found.high)}",
                    str(int(pair.replicates[found.replicate])),
                    "yes" if found.one_sided else "no",
                )
            )
    if not rows:
        return []
    head = ("A − B", "difference of", "all replicates", "one left out", "most moved by replicate", "all on one side of 0")
    note = "Smallest and largest mean difference when each replicate in turn is left out with all its views (counted from 0)."
    return [
        leave_one_out.chart(results),
        Table("Mean differences with one replicate left out.", head, tuple(rows), left=2, note=note),
    ]


def _policies(results: Results) -> list[Block]:
    pairs = leave_one_out.pairs(results)
    if not pairs:
        return []
    decimals, level = numbers.decimals_of(results), numbers.percent(results.study.analysis.confidence)
    rows = []
    for pair, more in pairs:
        if not any(found.left_out for found in more.policies):
            continue
        for found in more.policies:
            row = [
                f"{pair.a} − {pair.b}",
                "spent" if found.policy == "worst" else f"not counted ({numbers.count(found.left_out)})",
            ]
            if results.level is not None and results.level.value is not None:
                row += _trials(found.trials)
            first = found.budgets[0]
            rows.append((*row, numbers.metric(first.value, decimals), interval(first.low, first.high, decimals)))
    if not rows:
        return [Paragraph("Every trial of the compared searches gave a value: there is no choice in how failures count.")]
    times = ("trials-to-target", f"{level} CI") if len(rows[0]) > 4 else ()
    head = ("A − B", "a trial without a value is", *times, f"best after {results.budgets[0]}", f"{level} CI")
    note = (
        "Spent: a trial without a value counts like any other, and before the first value as the worst value of the study. Not "
        "counted: the later trials close up, as if it had cost nothing. The final best is the same either way, up to searches "
        "without any value."
    )
    return [Table("Differences under two ways of counting trials without a value.", head, tuple(rows), left=2, note=note)]


def _trials(mean: Estimate | None) -> list[str]:
    if mean is None:
        return [numbers.MISSING, numbers.MISSING]
    ends = numbers.MISSING if mean.low != mean.low else f"{numbers.trials(mean.low)} to {numbers.trials(mean.high)}"
    return [numbers.trials(mean.value), ends]


def _boundaries(results: Results, found: Supplement) -> list[Block]:
    rows = [
        (
            view.name if hits is view.boundaries[0] else "",
            hits.name,
            str(hits.searches),
            str(hits.at_low),
            str(hits.at_high),
            f"{round(100 * hits.share)} %",
            f"{round(100 * hits.low)} % to {round(100 * hits.high)} %",
        )
        for view in found.views
        for hits in view.boundaries
        if hits.searches
    ]
    if not rows:
        return []
    edge = numbers.percent(MARGIN)
    note = (
        f"Searches whose best point lies within {edge} of the (log) range of its lower or upper end. Points spread evenly over a "
        f"wide range would lie there in {numbers.percent(2 * MARGIN)}; whole numbers of a short range do so more often. A higher "
        "share says that the range cuts off good values, or that the hyperparameter matters little."
    )
    head = ("view", "hyperparameter", "searches", "at the low end", "at the high end", "share", f"{_level(results)} CI")
    return [Table("Best points at the ends of their ranges.", head, tuple(rows), left=2, note=note)]


def _costs(results: Results, found: Supplement) -> list[Block]:
    shown = [view for view in found.views if view.cost is not None]
    if not shown:
        return []
    rows = tuple(
        (view.name, *_seconds(view.cost.search_s), *_seconds(view.cost.ask_s)) for view in shown if view.cost is not None
    )
    level = _level(results)
    head = ("view", "training", f"{level} CI", "choosing points", f"{level} CI")
    note = "Wall time of a complete search, mean over searches. It holds for the machine and the load of the day."
    if found.unrecorded:
        note += f" {numbers.count(found.unrecorded)} finished trials have no record of their time and count as 0 s."
    blocks: list[Block] = [best_by_seconds.chart(results, found), Table("Seconds of a search.", head, rows, note=note)]
    if (compared := _cost_table(results)) is not None:
        blocks.append(compared)
    return blocks


def _cost_table(results: Results) -> Table | None:
    decimals = numbers.decimals_of(results)
    rows = []
    for pair, more in leave_one_out.pairs(results):
        if more.cost is None:
            continue
        for place, (seconds, mean) in enumerate(zip(more.cost.seconds, more.cost.differences, strict=True)):
            rows.append(
                (
                    "" if place else f"{pair.a} − {pair.b}",
                    numbers.duration(seconds),
                    numbers.metric(mean.value, decimals),
                    interval(mean.low, mean.high, decimals),
                    "" if place else f"× {numbers.general(more.cost.ratio_s, 2)}",
                )
            )
    if not rows:
        return None
    note = (
        "Paired replicates. The later time is the longest that all searches of both views have trained, the other is half of it "
        "where all had a trial by then. A / B: training seconds of a whole search."
    )
    head = ("A − B", "trained for", "mean", f"{_level(results)} CI", "A / B")
    return Table(f"Best {results.study.metric.name} after equal seconds of training.", head, tuple(rows), note=note)


def _seconds(mean: Estimate) -> tuple[str, str]:
    ends = numbers.MISSING if mean.low != mean.low else f"{numbers.duration(mean.low)} to {numbers.duration(mean.high)}"
    return numbers.duration(mean.value), ends


def _unit(results: Results, what: str) -> Callable[[float], str]:
    """How a difference of this kind is written."""
    if what == "trials_to_target":
        return numbers.trials
    decimals = numbers.decimals_of(results)
    return lambda value: numbers.metric(value, decimals)


def _level(results: Results) -> str:
    return numbers.percent(results.study.analysis.confidence)
