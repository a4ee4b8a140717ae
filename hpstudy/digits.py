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


def telling_digits(values: Iterable[float], least: int) -> int:
    """Return the smallest number of significant digits, from `least` to `MOST`, with which different values are written differently.

    Values that are equal up to `ROUNDING` or `NOISE`, and non-finite values, are not distinguished.

    >>> telling_digits([1e12, 1e12 + 1], 6), telling_digits([0.1 + 0.2, 0.3, 1.0], 6)
    (13, 6)
    """
    known = sorted({float(value) for value in values if math.isfinite(value)})
    if len(known) < 2:
        return least
    noise = NOISE * (known[-1] - known[0]) if len(known) > 2 else 0.0
    pairs = [(a, b) for a, b in pairwise(known) if b - a > max(noise, ROUNDING * max(abs(a), abs(b)))]
    digits = least
    while digits < MOST and (pairs := [(a, b) for a, b in pairs if f"{a:.{digits}g}" == f"{b:.{digits}g}"]):
        digits += 1
    return digits
