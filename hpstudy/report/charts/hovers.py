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


def along(what: str, mean: Floats, low: Floats, high: Floats, level: str) -> Hover:
    """The mean and its interval at each trial of the curve `what`; mean, low and high are (trials,), `level` is "95 %", say."""
    columns = zip(mean.tolist(), low.tolist(), high.tolist(), strict=True)
    return Hover(
        tuple(
            f"{what}\ntrial {place + 1}: {numbers.general(value, 6)}{interval(lower, upper, level)}"
            for place, (value, lower, upper) in enumerate(columns)
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
