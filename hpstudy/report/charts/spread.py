"""Setting apart points that would hide each other, and thinning out what is too much for a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints

T = TypeVar("T")

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, without their whole part, lie evenly in [0, 1] however many there are."""


def apart(number: Ints) -> Floats:
    """Shifts in [-0.5, 0.5] that differ between neighbouring numbers."""
    return np.asarray((number * GOLDEN) % 1 - 0.5, dtype=np.float64)


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, evenly spread, with the first and the last one."""
    if len(items) <= most:
        return list(items)
    return [items[round(step)] for step in np.linspace(0, len(items) - 1, most).tolist()]
