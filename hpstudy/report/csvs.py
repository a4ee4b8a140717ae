"""CSV files with the data of each figure. Every row identifies its view, replicate and trial."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.analysis.trials.searches import STATES

Row: TypeAlias = "Iterable[Any]"
"""One row of a CSV file."""


def searches(results: Results) -> Iterator[Row]:
    """Every search: its finished trials, final best, and trials-to-target."""
    yield "view", "replicate", *STATES, "complete", "best", "best_number", "reached_target", "trials_to_target_or_censored"
    sign = results.study.metric.goal.sign
    for view in results.views:
        block = view.searches
        for replicate in range(block.values.shape[0]):
            counts = np.bincount(block.states[replicate], minlength=len(STATES)).tolist()
            values = block.values[replicate]
            number = "" if np.isnan(values).all() else int(np.nanargmax(sign * values))
            best = float(values[number]) if number != "" else math.nan
            times = view.trials.times if view.trials else None
            reached = ("", "") if times is None else (bool(times.reached[replicate]), int(times.trials[replicate]))
            yield view.name, replicate, *counts, bool(block.complete[replicate]), best, number, *reached


def comparisons(results: Results) -> Iterator[Row]:
    """Each comparison at each budget, A minus B."""
    yield "a", "b", "trials", "replicates", "mean", "low", "high", "sd", "wins", "ties", "losses", "p", "p_holm", "correlation"
    for pair in results.pairs:
        for d in pair.budgets:
            interval, counts = (d.mean, d.low, d.high, d.sd), (d.wins, d.ties, d.losses)
            yield pair.a, pair.b, d.budget, d.replicates, *interval, *counts, d.test.p, d.adjusted, d.correlation


def listed(*columns: Any) -> list[list[Any]]:
    """Arrays as lists of Python numbers."""
    return [column.tolist() for column in columns]


def numbered(first: tuple[Any, ...], *columns: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of the cells `first`, the number of the row from 1, and its values of array columns."""
    return ((*first, number, *row) for number, row in enumerate(zip(*listed(*columns), strict=True), 1))


def text(rows: Iterable[Row]) -> str:
    """Rows as CSV: floats in their shortest exact form, an empty cell for a missing number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    # In one expression, because a call for each of millions of cells would take as long as the rest. Only NaN differs from itself.
    writer.writerows(
        ["true" if cell is True else "false" if cell is False else cell if cell == cell else "" for cell in row] for row in rows
    )
    return out.getvalue()
