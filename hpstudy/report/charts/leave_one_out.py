"""Leave-one-out mean differences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.comparisons.sensitivity import LeaveOneOut
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.supplement.pairs import PairSupplement
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import around, row_axis
from hpstudy.report.charts.grid import in_grid
from hpstudy.report.charts.marks import Dots, Hover, Mark, Marker, Rule
from hpstudy.report.charts.model import Axis, Chart, Data, Panel
from hpstudy.report.charts.spread import apart
from hpstudy.report.charts.words import difference, filled, metric
from hpstudy.report.csvs import Row

MOST_PAIRS = 12
"""Maximum number of comparisons in the figure; the CSV file has all."""

GRAY = style.gray(0.35)


def chart(results: Results) -> Chart:
    """A panel for each quantity, a row for each comparison."""
    all_pairs = pairs(results)
    shown = all_pairs[:MOST_PAIRS]
    titles = {
        "trials_to_target": "difference of trials-to-target",
        "final_best": filled("difference of the best\n{}", metric(results)),
    }
    available = {quantity for _, supplement in shown for quantity, _ in quantities(supplement)}
    panels = [_panel(shown, quantity, title) for quantity, title in titles.items() if quantity in available]
    first = f" (the first {MOST_PAIRS} comparisons)" if len(all_pairs) > MOST_PAIRS else ""
    return Chart(
        "leave_one_out",
        in_grid(panels, len(panels), shared=True),
        f"Mean differences with one replicate left out{first}.",
        "A dot is the mean difference without one replicate, the open marker that of all replicates. If dots are on both sides of 0, a "
        "single replicate decides the sign.",
        Data.of(results, leave_one_out),
        0.9 + 0.35 * len(shown),
    )


def _panel(shown: list[tuple[PairResult, PairSupplement]], quantity: str, title: str) -> Panel:
    drawn = [
        (row, pair, left_out)
        for row, (pair, supplement) in enumerate(shown)
        for own, left_out in quantities(supplement)
        if own == quantity
    ]
    marks: list[Mark] = [Rule(axis="x", at=0.0, color=style.INK, dash="dash")]
    for row, pair, left_out in drawn:
        name, replicates = f"{pair.a} − {pair.b}", pair.replicates.tolist()
        texts = tuple(
            f"{name}\nwithout replicate {replicate}: {numbers.general(mean, 6)}"
            for replicate, mean in zip(replicates, left_out.means.tolist(), strict=True)
        )
        y = row + 0.4 * apart(np.arange(len(texts)))
        marks.append(Dots(x=left_out.means, y=y, color=GRAY, alpha=0.6, hover=Hover(texts)))
    for row, pair, left_out in drawn:
        text = (
            f"{pair.a} − {pair.b}\n{numbers.all_things(len(pair.replicates), 'replicate')}: {numbers.general(left_out.full, 6)}"
        )
        x, y = np.array([left_out.full]), np.array([float(row)])
        marks.append(Dots(x=x, y=y, color=style.INK, marker=Marker("diamond", 5, "paper"), hover=Hover((text,))))
    limits = around(np.zeros(1), *(left_out.means for _, _, left_out in drawn))
    names = [difference(pair.a, pair.b) for pair, _ in shown]
    return Panel(Axis(title, limits), row_axis(names), tuple(marks))


def pairs(results: Results) -> list[tuple[PairResult, PairSupplement]]:
    """The comparisons with values."""
    supplement = results.supplement
    return [] if supplement is None else [both for both in zip(results.pairs, supplement.pairs, strict=True) if both[1].budgets]


def quantities(supplement: PairSupplement) -> Iterator[tuple[str, LeaveOneOut]]:
    """The compared quantities, by their name in the CSV file."""
    if supplement.trials_without_one is not None:
        yield "trials_to_target", supplement.trials_without_one
    if supplement.without_one is not None:
        yield "final_best", supplement.without_one


def leave_one_out(results: Results) -> Iterator[Row]:
    """Every leave-one-out mean difference; the row with an empty replicate is the mean over all replicates."""
    yield "a", "b", "difference_of", "replicate_left_out", "mean"
    for pair, supplement in pairs(results):
        for quantity, left_out in quantities(supplement):
            yield pair.a, pair.b, quantity, "", left_out.full
            for replicate, mean in zip(pair.replicates.tolist(), left_out.means.tolist(), strict=True):
                yield pair.a, pair.b, quantity, replicate, mean
