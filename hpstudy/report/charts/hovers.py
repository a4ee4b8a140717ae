"""Hover texts that several charts share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report import numbers
from hpstudy.report.charts.marks import Hover
from hpstudy.report.charts.words import confidence
from hpstudy.report.csvs import listed


def interval(results: Results, low: float, high: float) -> str:
    """An interval on a separate line; "" without an interval."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"\n{confidence(results)} CI {numbers.general(low, 6)} to {numbers.general(high, 6)}"


def estimated(results: Results, value: float, low: float, high: float) -> str:
    """A value, with its interval on the next line if it has one."""
    return numbers.general(value, 6) + interval(results, low, high)


def position(number: int) -> str:
    """A trial as the command line names it, with its place in the search: "trial 7 (8th)"."""
    count = number + 1
    ending = "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"trial {number} ({count}{ending})"


def along(results: Results, curve: str | Sequence[str], mean: Floats, low: Floats, high: Floats) -> Hover:
    """The mean and its interval after each number of trials.

    Args:
        results: of the study.
        curve: its name, or (trials,) texts.
        mean: (trials,) values after 1, 2, ... trials.
        low: (trials,) lower ends of their intervals; NaN for none.
        high: (trials,) upper ends.
    """
    heads = [curve] * len(mean) if isinstance(curve, str) else curve
    rows = enumerate(zip(heads, *listed(mean, low, high), strict=True), 1)
    return Hover(
        tuple(f"{head}\nafter {numbers.things(count, 'trial')}: {estimated(results, *ends)}" for count, (head, *ends) in rows)
    )


def tried(texts: Sequence[str], points: Sequence[Mapping[str, Any] | None]) -> Hover:
    """A text for each point, followed by a line for every hyperparameter of the point.

    Args:
        texts: (points,) texts.
        points: (points,) tried points, all with the same hyperparameters; None for a missing one.
    """
    names = next((tuple(point) for point in points if point is not None), ())
    return Hover(tuple(texts), names, tuple(tuple(_value((point or {}).get(name)) for name in names) for point in points))


def _value(value: Any) -> str:
    return numbers.MISSING if value is None else numbers.hyperparameter(value)
