"""Numbers as text: as many digits as mean something, and a real minus sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.deviation import deviation
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.digits import MOST, ROUNDING, telling_digits

MISSING = "–"
"""Stands where there is no number."""

MOST_DECIMALS = 6
"""Beyond, a metric is written in significant digits instead."""


def decimals_of(results: Results) -> int:
    """Decimals of the metric: the smallest standard error of a view's final mean has two significant digits; below 0 for tens.

    In a sweep: the typical standard error of a point's mean.
    """
    if results.sweep:
        return decimals_of_points([view.values[results.study.metric.name] for view in results.sweep])
    errors = [
        budget.sd / math.sqrt(budget.searches)
        for view in results.views
        for budget in view.budgets[-1:]
        if budget.searches > 1 and ROUNDING * abs(budget.mean) < budget.sd < math.inf
    ]
    values = np.concatenate([view.searches.values.ravel() for view in results.views])
    values = np.abs(values[np.isfinite(values) & (values != 0)])
    scale = min(errors) if errors else float(np.median(values)) / 100 if values.size else 0.01
    return 1 - math.floor(math.log10(scale))


def decimals_of_points(blocks: Sequence[Floats]) -> int:
    """Decimals that give the median standard error of a point's mean two significant digits.

    Args:
        blocks: (replicates x points) values each, NaN for none.
    """
    errors = []
    for values in blocks:
        for column in values.T:
            finite = column[np.isfinite(column)]
            if finite.size > 1 and np.ptp(finite) > ROUNDING * np.abs(finite).max():
                errors.append(float(deviation(finite)) / math.sqrt(finite.size))
    sizes = np.abs(np.concatenate([values.ravel() for values in blocks]))
    sizes = sizes[np.isfinite(sizes) & (sizes != 0)]
    scale = float(np.median(errors)) if errors else float(np.median(sizes)) / 100 if sizes.size else 0.01
    return 1 - math.floor(math.log10(scale))


def telling(decimals: int, ends: Iterable[float], limits: Iterable[float]) -> int:
    """The fewest decimals from `decimals` on, at most `MOST_DECIMALS`, with which no end is written as a limit that it is not.

    >>> telling(4, (-0.00502, 0.0038), (-0.005, 0.005))
    5
    """
    pairs = [(end, limit) for end in ends for limit in limits if end != limit]
    while decimals < MOST_DECIMALS and any(round(end - limit, decimals) == 0 for end, limit in pairs):
        decimals += 1
    return decimals


def metric(value: float | None, decimals: int) -> str:
    """A value of the metric; in significant digits, from four to all of a float, where `decimals` are many or the value is large."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals > MOST_DECIMALS or abs(value) >= 1e7:
        whole_digits = math.floor(math.log10(abs(value))) + 1 if value else 0
        return general(value, min(max(4, whole_digits + decimals), MOST))
    decimals = max(0, decimals)
    return _minus(f"{value:.{decimals}f}")


def general(value: float, digits: int = 4) -> str:
    """A number of unknown size, with `digits` significant digits; powers of ten as e-5."""
    text = f"{value:.{digits}g}"
    mantissa, e, exponent = text.partition("e")
    return _minus(f"{mantissa}e{int(exponent)}" if e else text)


def scientific(value: float) -> str:
    """A number among others of other sizes: three digits and a power of ten, "1.20e-4"."""
    if math.isnan(value):
        return MISSING
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return _minus(f"{mantissa}e{int(exponent)}") if value else "0"


def hyperparameters(values: Iterable[Any]) -> list[str]:
    """Values of one hyperparameter, with the digits that tell them apart."""
    listed = list(values)
    digits = telling_digits([value for value in listed if isinstance(value, float)], 4)
    return [hyperparameter(value, digits) for value in listed]


def hyperparameter(value: Any, digits: int = 4) -> str:
    """A hyperparameter's value as a study file would have it, floats with `digits` significant digits; a dash for an absent one (None)."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return general(value, digits).replace("−", "-")
    return str(value)


def share_cells(share: CountedEstimate | None) -> tuple[str, str]:
    """A share of searches and its interval in whole per cent, for two columns of a table."""
    if share is None:
        return MISSING, MISSING
    return cells(share.value, share.low, share.high, lambda value: f"{round(100 * value)}%")


def trials(value: float) -> str:
    """A mean number of trials, or a whole one."""
    if math.isnan(value):
        return MISSING
    return _minus(f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}")


def count(value: int) -> str:
    """A whole number with thousands separated."""
    return f"{value:,}"


def things(number: int, noun: str, plural: str = "s") -> str:
    """A number of things: "1 search", "1,200 trials". `plural` is what the noun ends in when they are several."""
    return f"{count(number)} {noun}{plural if number > 1 else ''}"


def whole(value: float) -> str:
    """A whole number that may be negative."""
    return _minus(str(int(value)))


def p_value(p: float) -> str:
    """A p-value after "p": with its relation sign."""
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def p_cell(p: float) -> str:
    """A p-value in a column of p-values."""
    return p_value(p).removeprefix("= ")


def interval(low: float, high: float, write: Callable[[float], str]) -> str:
    """The ends of an interval: "3.1 to 4.5".

    Args:
        low: NaN where there is no interval.
        high: of the same unit.
        write: how one end is written.
    """
    return MISSING if math.isnan(low) else f"{write(low)} to {write(high)}"


def cells(value: float, low: float, high: float, write: Callable[[float], str]) -> tuple[str, str]:
    """A number and its interval, for two columns of a table; arguments as those of `interval`."""
    return write(value), interval(low, high, write)


def restricted(difference: float, low: float, high: float, reached_a: int, reached_b: int) -> tuple[str, str]:
    """A difference of restricted mean trials and its interval, for two columns of a table.

    Where one view never got there, it is a bound, and an interval would be that of a constant; where neither did, there is nothing.

    Args:
        difference: A minus B, in trials.
        low: NaN where there is no interval.
        high: of the same unit.
        reached_a: searches of A that got there.
        reached_b: searches of B that got there.
    """
    if reached_a and reached_b:
        return cells(difference, low, high, trials)
    if not reached_a and not reached_b:
        return MISSING, MISSING
    return f"{'≥' if reached_b else '≤'} {trials(difference)}", MISSING


def percent(share: float) -> str:
    """A share in per cent; one decimal where it is not whole."""
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def duration(seconds: float) -> str:
    """A span of time in the unit that suits it."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _minus(text: str) -> str:
    # Rounded to nothing is 0, not minus 0.
    if text.startswith("-") and not text.strip("-0."):
        text = text[1:]
    return text.replace("-", "−")
