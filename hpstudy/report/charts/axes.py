"""Axes that several charts share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.report.charts.model import Axis
from hpstudy.report.charts.words import filled, metric


def trial_axis(trials: int, first: int = 1, label: str = "trials") -> Axis:
    """An axis of trials, or of another count, from `first` to `trials`."""
    room = 0.02 * trials + 0.2
    return Axis(label, (first - room, trials + room), ticks="integers")


def best_axis(results: Results, limits: tuple[float, float]) -> Axis:
    """An axis of best-so-far values."""
    return Axis(filled("best {} so far", metric(results)), limits, grid=True)


def row_axis(names: Sequence[str], *, labelled: bool = True) -> Axis:
    """An axis of named rows, numbered from 0, the first at the top."""
    return marked_axis("", (len(names) - 0.4, -0.6), range(len(names)), names, labelled=labelled, ticked=False)


def marked_axis(label: str, limits: tuple[float, float], at: Iterable[float], texts: Iterable[str], **settings: Any) -> Axis:
    """An axis with texts at given values; `settings` are fields of `Axis`."""
    return Axis(label, limits, ticks="given", at=tuple(map(float, at)), texts=tuple(texts), **settings)


def around(*values: Floats, room: float = 0.05) -> tuple[float, float]:
    """Limits of an axis that shows all finite values, with margins of `room` times their range on both sides."""
    known = np.concatenate([part[np.isfinite(part)] for part in values]) if values else np.zeros(0)
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    beside = room * (high - low) or room * abs(high) or 1.0
    return low - beside, high + beside


def around_zero(values: Floats, room: float = 0.05) -> tuple[float, float]:
    """Like `around`, with space on both sides of 0 for the labels of the directions."""
    low, high = around(values, np.zeros(1), room=room)
    return min(low, -0.12 * (high - low)), max(high, 0.12 * (high - low))
