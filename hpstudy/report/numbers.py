"""Number formats: meaningful digits only, and the minus sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.deviation import deviation
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.digits import MOST, ROUNDING, distinguishing_digits

MISSING = "–"
"""The text of a missing number."""

MOST_DECIMALS = 6
"""Maximum number of decimals of a metric; with more, it is written with significant digits."""


def decimals_of(results: Results) -> int:
    """Decimals that show two significant digits of the smallest standard error of a view's final mean; negative for tens.

    In a sweep, those of the median standard error of a point's mean.
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
    """Decimals that show two significant digits of the median standard error of a point's mean.

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


def telling_decimals(decimals: int, ends: Iterable[float], limits: Iterable[float]) -> int:
    """The smallest number of decimals, from `decimals` to `MOST_DECIMALS`, with which no end is rounded to a limit that it does not equal.

    >>> telling_decimals(4, (-0.00502, 0.0038), (-0.005, 0.005))
    5
    """
    pairs = [(end, limit) for end in ends for limit in limits if end != limit]
    while decimals < MOST_DECIMALS and any(round(end - limit, decimals) == 0 for end, limit in pairs):
        decimals += 1
    return decimals


def metric(value: float | None, decimals: int) -> str:
    """A value of the metric; with four or more significant digits if `decimals` is large or the value is large."""
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
    """A number in scientific notation with three digits, "1.20e-4"."""
    if math.isnan(value):
        return MISSING
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return _minus(f"{mantissa}e{int(exponent)}") if value else "0"


def hyperparameters(values: Iterable[Any]) -> list[str]:
    """Values of one hyperparameter, with enough digits to distinguish them."""
    listed = list(values)
    digits = distinguishing_digits([value for value in listed if isinstance(value, float)], 4)
    return [hyperparameter(value, digits) for value in listed]


def hyperparameter(value: Any, digits: int = 4) -> str:
    """A hyperparameter's value as in a study file, floats with `digits` significant digits; a dash for an absent one (None)."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return general(value, digits).replace("−", "-")
    return str(value)


def share_cells(share: Estimate | None) -> tuple[str, str]:
    """A share and its interval in whole percent, for two columns of a table."""
    return estimate_cells(share, whole_percent)


def trials(value: float) -> str:
    """A mean number of trials, or an integer number."""
    if math.isnan(value):
        return MISSING
    return _minus(f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}")


def count(value: int) -> str:
    """An integer with thousands separators."""
    return f"{value:,}"


def plural(number: int, one: str, more: str) -> str:
    """The form of a word that agrees with a count: `one` for 1, else `more`."""
    return one if number == 1 else more


def things(number: int, noun: str, ending: str = "s") -> str:
    """A count with its noun: "1 search", "0 trials", "1,200 trials". `ending` is that of the plural."""
    return f"{count(number)} {noun}{plural(number, '', ending)}"


def all_things(number: int, noun: str) -> str:
    """All of a number of things: "all 25 trials", "the only trial"."""
    return plural(number, f"the only {noun}", f"all {count(number)} {noun}s")


def first_things(number: int, noun: str, ending: str = "s") -> str:
    """The first of several things: "first trial", "first 3 trials". `ending` is that of the plural."""
    return f"first {plural(number, noun, f'{count(number)} {noun}{ending}')}"


def whole(value: float) -> str:
    """An integer that may be negative."""
    return _minus(str(int(value)))


def p_value(p: float) -> str:
    """A p-value with its relation sign, to follow "p"."""
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def p_cell(p: float | None) -> str:
    """A p-value in a column of p-values; `MISSING` for None and NaN."""
    return MISSING if p is None or math.isnan(p) else p_value(p).removeprefix("= ")


def interval(low: float, high: float, write: Callable[[float], str]) -> str:
    """The ends of an interval: "3.1 to 4.5".

    Args:
        low: lower end; NaN without an interval.
        high: upper end.
        write: formats an end.
    """
    return MISSING if math.isnan(low) else f"{write(low)} to {write(high)}"


def cells(value: float, low: float, high: float, write: Callable[[float], str]) -> tuple[str, str]:
    """A number and its interval, for two columns of a table; arguments as for `interval`."""
    return write(value), interval(low, high, write)


def estimate_cells(estimate: Estimate | None, write: Callable[[float], str]) -> tuple[str, str]:
    """An estimate and its interval, for two columns of a table; both are `MISSING` without an estimate."""
    return (MISSING, MISSING) if estimate is None else cells(estimate.value, estimate.low, estimate.high, write)


def metric_cells(estimate: Estimate | None, decimals: int) -> tuple[str, str]:
    """An estimate in units of a metric and its interval, for two columns of a table."""
    return estimate_cells(estimate, lambda value: metric(value, decimals))


def with_interval(value: str, ends: str) -> str:
    """Two cells as one text, "3.1 (2.0 to 4.2)"; the value alone without an interval."""
    return value if ends == MISSING else f"{value} ({ends})"


def restricted(difference: float, low: float, high: float, reached: tuple[int, int], n: int) -> tuple[str, str]:
    """A difference of restricted mean trials and its interval, for two columns of a table.

    If one view never reached the criterion, there is no interval. The difference is then a bound if all searches of the other view
    reached it. If neither view reached it, both cells are `MISSING`.

    Args:
        difference: A minus B, in trials.
        low: lower end; NaN without an interval.
        high: upper end.
        reached: numbers of searches of A and of B that reached the criterion.
        n: number of replicates.
    """
    if all(reached):
        return cells(difference, low, high, trials)
    if not any(reached):
        return MISSING, MISSING
    bound = ("≥ " if reached[1] else "≤ ") if n in reached else ""
    return f"{bound}{trials(difference)}", MISSING


def percent(share: float) -> str:
    """A share in percent; one decimal if it is not an integer."""
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def whole_percent(share: float) -> str:
    """A share in whole percent, since few replicates do not justify more digits."""
    return MISSING if math.isnan(share) else f"{whole(round(100 * share))}%"


def duration(seconds: float) -> str:
    """A duration in a suitable unit."""
    if 0 < seconds < 0.01:
        return f"{1000 * seconds:.2g} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _minus(text: str) -> str:
    # A number that rounds to zero is written as 0, not -0.
    if text.startswith("-") and not text.strip("-0."):
        text = text[1:]
    return text.replace("-", "−")
