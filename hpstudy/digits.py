"""Number of significant digits that distinguish the values of a column."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

MOST = 17
"""Number of significant digits that distinguishes any two floats."""

ROUNDING = 1e-15
"""Values with at most this relative distance are equal up to rounding."""

NOISE = 1e-12
"""Values are also equal if their distance is at most this share of the column's range."""


def distinguishing_digits(values: Iterable[float], minimum: int) -> int:
    """Return the smallest number of significant digits, from `minimum` to `MOST`, with which different values are written differently.

    Values that are equal up to `ROUNDING` or `NOISE`, and non-finite values, are not distinguished.

    >>> distinguishing_digits([1e12, 1e12 + 1], 6), distinguishing_digits([0.1 + 0.2, 0.3, 1.0], 6)
    (13, 6)
    """
    distinct = sorted({float(value) for value in values if math.isfinite(value)})
    if len(distinct) < 2:
        return minimum
    noise = NOISE * (distinct[-1] - distinct[0]) if len(distinct) > 2 else 0.0
    pairs = [(a, b) for a, b in pairwise(distinct) if b - a > max(noise, ROUNDING * max(abs(a), abs(b)))]
    digits = minimum
    while digits < MOST and (pairs := [(a, b) for a, b in pairs if f"{a:.{digits}g}" == f"{b:.{digits}g}"]):
        digits += 1
    return digits
