"""Number of replicates that a comparison needs, given the standard deviation in a first study.

The test is a two-sided paired t test, whose power follows from the noncentral t distribution with n - 1 degrees of freedom. The square of
a noncentral t variable has a noncentral F distribution, which scipy computes without overflow.

References:
    Cohen (1988), Statistical power analysis for the behavioral sciences, chapter 2, https://doi.org/10.4324/9780203771587
    NIST/SEMATECH, e-Handbook of statistical methods, section 1.3.5.8, https://www.itl.nist.gov/div898/handbook/eda/section3/eda358.htm
    (chi-square interval of a standard deviation)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.deviation import deviation

POWER = 0.8
"""Power for which minimal detectable differences are computed."""

REPLICATES = (10, 20, 40)
"""Numbers of replicates for which the minimal detectable difference is computed."""

MOST = 1_000_000
"""Largest number of replicates that is reported; a larger one is None."""

LARGEST_EFFECT = 1e6
"""Effects above this have power 1; their squares may overflow."""


def power_of(effect: float, n: int, alpha: float) -> float:
    """Power of the test at level alpha with n >= 2 replicates.

    The effect is the true mean difference divided by the standard deviation of the differences.

    >>> round(power_of(0.5, 34, 0.05), 2)
    0.81
    """
    critical = float(stats.t.ppf(1 - alpha / 2, n - 1))
    effect = min(abs(effect), LARGEST_EFFECT)
    return 1 - float(special.ncfdtr(1, n - 1, n * effect**2, critical**2))


def required(effect: float, power: float, alpha: float) -> int | None:
    """The smallest number of replicates, at least 2, for which the test at level alpha has the given power (above alpha).

    The effect, not 0, is as in `power_of`. None above `MOST`.

    >>> required(0.5, 0.8, 0.05)
    34
    """
    high = 2
    while power_of(effect, high, alpha) < power:
        if high >= MOST:
            return None
        high *= 2
    low = high // 2  # bisection: the power is too small at `low`, or `low` is 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(effect, middle, alpha) >= power else (middle, high)
    return high


def detectable(n: int, power: float, alpha: float) -> float:
    """The true difference, in standard deviations of the differences, that n >= 2 replicates detect with the given power (above alpha).

    >>> round(detectable(20, 0.8, 0.05), 2)
    0.66
    """
    critical = float(stats.t.ppf(1 - alpha / 2, n - 1))

    def shortfall(effect: float) -> float:
        return float(special.ncfdtr(1, n - 1, effect**2 * n, critical**2)) - (1 - power)

    highest = 2 * (critical + 3) / np.sqrt(n)
    while shortfall(highest) > 0:
        highest *= 2
    return float(optimize.brentq(shortfall, 0.0, highest))


def sd_interval(sd: float, n: int, confidence: float) -> tuple[float, float]:
    """Chi-square interval of the standard deviation of n >= 2 normal values: sd sqrt((n - 1) / chi2); sd has n - 1 in its denominator."""
    tail = (1 - confidence) / 2
    low, high = (sd * float(np.sqrt((n - 1) / stats.chi2.isf(level, n - 1))) for level in (tail, 1 - tail))
    return low, high


@dataclass(frozen=True)
class Power:
    """Power analysis from a first study.

    Attributes:
        replicates: number of replicates of the first study.
        sd: standard deviation of its paired differences; NaN with one replicate. If it is 0, the attributes derived from it are NaN or
            None.
        sd_low, sd_high: chi-square interval of the standard deviation.
        needed: replicates needed to detect the given difference; None without a difference or a positive standard deviation.
        needed_low, needed_high: the same at the ends of the interval of the standard deviation; also None above a million.
        detectable: smallest difference detectable with the replicates of the first study.
        detectable_at: the same for each number in `REPLICATES`.
    """

    replicates: int
    sd: float
    sd_low: float
    sd_high: float
    needed: int | None
    needed_low: int | None
    needed_high: int | None
    detectable: float
    detectable_at: tuple[float, ...]


def power(differences: Floats, difference: float | None, *, power: float = POWER, alpha: float = 0.05) -> Power:
    """Power analysis from the (replicates,) paired differences of a first study.

    `difference` is the true mean difference to detect with the given power, in the unit of the differences; None for none. Alpha is the
    level of the two-sided test; the interval of the standard deviation has confidence 1 - alpha.
    """
    n, nan = len(differences), float("nan")
    sd = float(deviation(differences)) if n > 1 else nan
    if not sd > 0:
        return Power(n, sd, nan, nan, None, None, None, nan, (nan,) * len(REPLICATES))
    low, high = sd_interval(sd, n, 1 - alpha)
    needed = [required(difference / s, power, alpha) if difference and s > 0 else None for s in (sd, low, high)]
    smallest = [sd * detectable(number, power, alpha) for number in (n, *REPLICATES)]
    return Power(n, sd, low, high, needed[0], needed[1], needed[2], smallest[0], tuple(smallest[1:]))
