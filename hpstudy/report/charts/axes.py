"""Axes that several charts have."""

from __future__ import annotations

from hpstudy.report.charts.model import Axis


def trial_axis(trials: int, first: int = 1) -> Axis:
    """An axis of trials from `first` to `trials`."""
    room = 0.02 * trials + 0.2
    return Axis("trials", (first - room, trials + room), ticks="integers")
