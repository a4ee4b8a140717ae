"""Jitter of points that would hide each other, and evenly spaced subsets of too many items."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints

T = TypeVar("T")

GOLDEN = (math.sqrt(5) - 1) / 2
"""The fractional parts of its multiples are evenly distributed in [0, 1] for any number of them (golden ratio sequence)."""


def apart(number: Ints) -> Floats:
    """Shifts in [-0.5, 0.5] that differ between neighboring numbers."""
    return np.asarray((number * GOLDEN) % 1 - 0.5, dtype=np.float64)


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, evenly spaced, including the first and the last one."""
    if len(items) <= most:
        return list(items)
    return [items[round(step)] for step in np.linspace(0, len(items) - 1, most).tolist()]
