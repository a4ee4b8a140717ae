"""The paired difference of two best-so-far curves."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from hpstudy.analysis.results import PairResult, Results
from hpstudy.report import numbers, style
from hpstudy.report.figures.progress import trial_axis
from hpstudy.report.labels import name


def paired_difference(axes: Axes, results: Results, pair: PairResult) -> Axes:
    """Draw the mean difference with its pointwise and its simultaneous band.

    Args:
        axes: to draw on.
        results: of the study.
        pair: a comparison with at least one complete replicate; its curve is (trials,).
    """
    curve = pair.curve
    assert curve is not None
    trial = np.arange(1, len(curve.mean) + 1)
    level = numbers.percent(results.study.analysis.confidence)
    if curve.band is not None:
        axes.fill_between(
            trial, curve.band.low, curve.band.high, color="0.86", linewidth=0, zorder=1, label=f"simultaneous {level} band"
        )
        axes.fill_between(trial, curve.low, curve.high, color="0.62", linewidth=0, zorder=2, label=f"pointwise {level} interval")
    marked = {"marker": "o", "markersize": 3} if len(trial) <= 60 else {}
    axes.plot(trial, curve.mean, color="black", linewidth=1.4, zorder=4, label="mean difference", **marked)  # type: ignore[arg-type]
    axes.axhline(0, color="black", linewidth=0.8, linestyle=(0, (4, 2)), zorder=3)
    a, b = name(pair.a), name(pair.b)
    above, below = (a, b) if results.study.metric.goal == "maximize" else (b, a)
    bottom, top = axes.get_ylim()
    bottom, top = min(bottom, -0.12 * (top - bottom)), max(top, 0.12 * (top - bottom))
    axes.set_ylim(bottom, top)
    for text, y, side in ((above, 0.98, "top"), (below, 0.02, "bottom")):
        axes.text(
            0.99, y, f"{text} better", transform=axes.transAxes, ha="right", va=side, fontsize=7.5, color="0.25", style="italic"
        )
    axes.set_ylabel(f"{a} − {b}")
    trial_axis(axes, len(trial))
    style.guides(axes)
    return axes


def words(results: Results, pairs: list[PairResult]) -> tuple[str, str]:
    """Caption, and how to read the figure."""
    of = ", ".join(f"{pair.a} minus {pair.b} ({_pairs(pair)})" for pair in pairs)
    caption = f"Paired difference of the best {results.study.metric.name} so far: {of}."
    if all(pair.curve is None or pair.curve.band is None for pair in pairs):
        return caption, "One replicate has no spread, so there are no bands."
    reading = (
        "Where the outer, simultaneous band lies wholly on one side of 0 the views differ; it holds for all trials at once, "
        "while the inner "
        "band holds for a single trial chosen beforehand."
    )
    return caption, reading


def _pairs(pair: PairResult) -> str:
    return f"{len(pair.replicates)} paired replicate{'s' if len(pair.replicates) > 1 else ''}"
