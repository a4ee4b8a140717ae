"""Kaplan-Meier curves of trials-to-target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.survival import Survival
from hpstudy.report import numbers, overview, style
from hpstudy.report.figures import panels
from hpstudy.report.figures.progress import trial_axis
from hpstudy.report.labels import label, name
from hpstudy.report.wording import level_origin, level_text

TICKS = 6
"""Numbers at risk in a row, about."""


def not_reached(axes: Axes, results: Results) -> Axes:
    """Draw the share of searches that have not reached the target after t trials, with censor ticks.

    Args:
        axes: to draw on.
        results: of a study with a target; every view's curve is (trials,).
    """
    for index, view in enumerate(results.views):
        if view.trials is not None:
            _curve(axes, view.trials.survival, index, linestyle=style.line(index), label=label(results, view.name))
    _axes_of_shares(axes, results)
    axes.set_xticks(_ticks(results.study.search.trials))
    style.legend_above(axes, *axes.get_legend_handles_labels())
    return axes


def one_view(axes: Axes, results: Results, index: int) -> Axes:
    """Draw the curve of one view, and that of the reference in grey: a panel of many.

    Args:
        axes: to draw on.
        results: of a study with a target; every view's curve is (trials,).
        index: number of the view.
    """
    other = panels.reference(results, index)
    if other is not None and (grey := results.views[other].trials) is not None:
        axes.step(*_steps(grey.survival.share), where="post", color=panels.GREY, linewidth=1.1, zorder=1.8)
    if (found := results.views[index].trials) is not None:
        _curve(axes, found.survival, index)
    _axes_of_shares(axes, results)
    return axes


def _curve(axes: Axes, curve: Survival, index: int, **looks: Any) -> None:
    """The curve of view number `index` with its interval and its censor ticks; `looks` are those of its line."""
    colour = style.colour(index)
    trial, share = _steps(curve.share)
    # Where the curve is 1 or 0 no interval exists; it closes there instead of leaving a gap in the drawing.
    low, high = (np.where(np.isnan(whole := np.r_[1.0, end, end[-1]]), share, whole) for end in (curve.low, curve.high))
    axes.fill_between(trial, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
    axes.step(trial, share, where="post", color=colour, linewidth=1.6, **looks)
    censored = np.flatnonzero(curve.censored)
    # Unclipped ticks would count as room that small panels need around them.
    (ticks,) = axes.plot(censored + 1, curve.share[censored], "|", color=colour, markersize=8, markeredgewidth=1.4, clip_on=False)
    ticks.set_in_layout(False)


def _steps(share: Floats) -> tuple[Floats, Floats]:
    """Trials and shares from trial 0 on; the last level is drawn on to the edge, so that a step at the last trial can be seen."""
    return np.r_[np.arange(len(share) + 1), len(share) * 1.02], np.r_[1.0, share, share[-1]]


def _axes_of_shares(axes: Axes, results: Results) -> None:
    axes.set_ylim(-0.02, 1.04)
    trial_axis(axes, results.study.search.trials, first=0)
    axes.set_ylabel("share of searches\nwithout the target")
    style.guides(axes)


def at_risk(axes: Axes, results: Results) -> Axes:
    """Write how many searches of each view are at risk: still running and without the target just before a trial.

    Args:
        axes: to write on, below and with the same trials as the curves.
        results: of a study with a target.
    """
    trials = results.study.search.trials
    rows = [(index, view) for index, view in enumerate(results.views) if view.trials is not None]
    for row, (index, view) in enumerate(rows):
        assert view.trials is not None
        survival = view.trials.survival
        for tick in _ticks(trials):
            number = len(view.trials.times.trials) if tick == 0 else int(survival.at_risk[tick - 1])
            axes.text(tick, -row, str(number), ha="center", va="center", fontsize=7.5, color=style.colour(index))
    trial_axis(axes, trials, first=0)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_yticks([-row for row in range(len(rows))], [name(view.name) for _, view in rows])
    axes.set_xticks([])
    axes.set_xlabel("")
    axes.tick_params(left=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title("at risk: searches without the target just before that trial", fontsize=7.5, loc="left", pad=2)
    return axes


def _ticks(trials: int) -> list[int]:
    """Trials at which the numbers at risk stand: about `TICKS` of them, with the first and the last."""
    power = 10 ** math.floor(math.log10(max(1, trials / TICKS)))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= trials / TICKS)
    return [tick for tick in range(0, trials, step) if trials - tick > step / 2] + [trials]


def words(results: Results) -> tuple[str, str]:
    """Caption, and how to read the figure."""
    level = numbers.percent(results.study.analysis.confidence)
    caption = (
        "Kaplan-Meier curves of trials-to-target: share of searches that have not reached "
        f"{level_text(results)}, {level_origin(results)}."
    )
    if overview.many_views(results):
        reading = (
            "A curve that falls early reaches the target early; ticks are searches that ended without it (censored), and shades are "
            f"pointwise {level} log-log intervals.{panels.reference_words(results, 'the curve')} The numbers at risk are in "
            "trials_to_target.csv."
        )
        return caption, reading
    reading = (
        "The lower curve reaches the target earlier; ticks are searches that ended without it (censored), and shades are "
        f"pointwise {level} "
        "log-log intervals."
    )
    return caption, reading
