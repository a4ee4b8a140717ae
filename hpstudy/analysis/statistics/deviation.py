"""Standard deviations without overflow or underflow."""

from __future__ import annotations

import numpy as np

from hpstudy.analysis.arrays import Floats

ORDINARY = (1e-60, 1e60)
"""Range of absolute values whose fourth powers can be summed without overflow or underflow."""


def scaled(values: Floats) -> tuple[Floats, int]:
    """Scale values outside `ORDINARY` by a power of two so that the largest is about 1. Returns the values and the exponent.

    The scaling is exact. Ordinary values are returned unchanged with exponent 0. NaN stays NaN.
    """
    largest = np.fmax.reduce(np.abs(values), axis=None, initial=0.0)
    if not 0 < largest < np.inf or ORDINARY[0] <= largest <= ORDINARY[1]:
        return values, 0
    exponent = int(np.frexp(largest)[1])
    return np.ldexp(values, -exponent), exponent


def deviation(values: Floats) -> Floats:
    """The standard deviation over the first axis, with n - 1 in the denominator; exactly 0 where all values are equal.

    Args:
        values: (replicates, ...), at least 2 replicates.

    >>> deviation(np.array([1e300, 3e300, 2e300])).item()
    1e+300
    >>> deviation(np.array([0.1, 0.1, 0.1])).item()
    0.0
    """
    small, exponent = scaled(values)
    return np.where((values == values[0]).all(axis=0), 0.0, np.ldexp(small.std(axis=0, ddof=1), exponent))


def paired_differences(a: Floats, b: Floats) -> Floats:
    """(replicates,) differences A minus B; set equal to the first one if they are all equal up to the rounding of the values.

    >>> paired_differences(np.array([0.4, 0.3]), np.array([0.3, 0.2])).std().item()
    0.0
    """
    differences = a - b
    rounding = 4 * np.finfo(np.float64).eps * np.abs([a, b]).max(initial=0.0)
    equal = differences.size > 0 and np.ptp(differences) <= rounding
    return np.full_like(differences, differences[0]) if equal else differences
