"""Hover texts that several charts have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpstudy.analysis.arrays import Floats
from hpstudy.report import numbers
from hpstudy.report.charts.model import Hover


def interval(low: float, high: float, level: str) -> str:
    """An interval on a line of its own; "" where there is none. `level` is "95 %", say."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"\n{level} CI {numbers.general(low, 6)} to {numbers.general(high, 6)}"


def along(what: str | Sequence[str], mean: Floats, low: Floats, high: Floats, level: str) -> Hover:
    """The mean and its interval at each trial of a curve.

    Args:
        what: the curve, or (trials,) texts.
        mean: (trials,) values from trial 1 on.
        low: (trials,) lower ends of their intervals; NaN for none.
        high: (trials,) upper ends.
        level: of the intervals, "95 %".
    """
    columns = zip([what] * len(mean) if isinstance(what, str) else what, mean.tolist(), low.tolist(), high.tolist(), strict=True)
    return Hover(
        tuple(
            f"{head}\ntrial {trial}: {numbers.general(value, 6)}{interval(lower, upper, level)}"
            for trial, (head, value, lower, upper) in enumerate(columns, 1)
        )
    )


def tried(texts: Sequence[str], points: Sequence[Mapping[str, Any] | None]) -> Hover:
    """A text at each point, and below it a line for every hyperparameter of what was tried there.

    Args:
        texts: (points,) texts.
        points: (points,) what was tried, all with the same hyperparameters; None where nothing was.
    """
    names = next((tuple(point) for point in points if point is not None), ())
    return Hover(tuple(texts), names, tuple(tuple(_value((point or {}).get(name)) for name in names) for point in points))


def _value(value: Any) -> str:
    return numbers.MISSING if value is None else numbers.hyperparameter(value)
