"""What figures of trials share: the axis of trials, and the line of the target."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hpstudy.analysis.results import Results


def target_line(axes: Axes, results: Results) -> Line2D | None:
    """Draw the target where it lies within the axes; None when it does not."""
    if (
        results.level is None
        or results.level.value is None
        or not axes.get_ylim()[0] <= results.level.value <= axes.get_ylim()[1]
    ):
        return None
    return axes.axhline(results.level.value, color="0.35", linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)


def trial_axis(axes: Axes, trials: int, first: int = 1) -> None:
    """An axis of trials counted from 1."""
    room = 0.02 * trials + 0.2
    axes.set_xlim(first - room, trials + room)
    axes.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))
    axes.set_xlabel("trials")
