"""How many significant digits tell the values of a column apart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

MOST = 17
"""Significant digits with which every two floats differ."""

ROUNDING = 1e-15
"""Values whose relative distance is at most this are equal up to rounding."""

NOISE = 1e-12
"""Values are also equal if their distance is at most this share of the column's spread."""


def telling_digits(values: Iterable[float], least: int) -> int:
    """The fewest significant digits, from `least` to `MOST`, with which values that differ are written differently.

    Values that are equal up to `ROUNDING` or `NOISE` need not be told apart, nor those that are not finite.

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
