"""What figures of trials share: the axis of trials."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator


def trial_axis(axes: Axes, trials: int, first: int = 1) -> None:
    """An axis of trials counted from 1."""
    room = 0.02 * trials + 0.2
    axes.set_xlim(first - room, trials + room)
    axes.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("trials")
