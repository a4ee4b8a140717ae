"""Many comparisons as a forest: each difference with its interval in a row of its own."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.figures.panels import TALLEST
from hpstudy.report.labels import LONGEST, cut
from hpstudy.report.overview import Side, Standing, one_reference, standings

ROW = 0.19
"""Inches of a row."""

MUTED = "0.55"
"""Colour of an interval that includes 0."""


def figure(results: Results) -> Figure:
    """The differences in trials-to-target, where there is a target, and beside them those of the final best."""
    rows = standings(results)
    with_trials = any(row.trials is not None for row in rows)
    drawing = Figure(figsize=(style.WIDTH, 1.0 + min(ROW * len(rows), TALLEST)), layout="constrained")
    sides = drawing.subplots(1, 1 + with_trials, sharey=True, squeeze=False)[0]
    if with_trials:
        differences(
            sides[0],
            [(t.difference, t.low, t.high) if (t := row.trials) is not None else None for row in rows],
            [row.trials_side for row in rows],
        )
        _directions(sides[0], "fewer trials", "more trials")
        sides[0].set_xlabel("difference in\ntrials-to-target")
    differences(
        sides[-1],
        [(d.mean, d.low, d.high) if (d := row.final) is not None else None for row in rows],
        [row.final_side for row in rows],
    )
    upward = results.study.metric.goal == "maximize"
    _directions(sides[-1], *(("worse", "better") if upward else ("better", "worse")))
    sides[-1].set_xlabel(f"difference of the final best\n{style.plain(cut(results.study.metric.name, LONGEST), 'value')}")
    sides[0].set_yticks(range(len(rows)), [_name(results, row) for row in rows])
    sides[0].set_ylim(len(rows) - 0.4, -0.6)
    return drawing


def differences(axes: Axes, found: Sequence[tuple[float, float, float] | None], sides: Sequence[Side | None]) -> Axes:
    """Draw one interval in each row, from row 0 on; one that includes 0 is grey, and its marker open.

    Args:
        axes: to draw on.
        found: (estimate, low, high) of every row; None for an empty row.
        sides: where the interval of every row lies.
    """
    for row, (estimate, side) in enumerate(zip(found, sides, strict=True)):
        if estimate is None:
            continue
        value, low, high = estimate
        colour = "black" if side else MUTED
        axes.plot([low, high], [row, row], color=colour, linewidth=1.5, solid_capstyle="butt", zorder=2)
        axes.plot(value, row, "o", markersize=4.5, color=colour if side else "white", markeredgecolor=colour, zorder=3)
    axes.axvline(0, color="black", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    # 0 has room on both sides, for the words that say what they mean.
    low, high = axes.get_xlim()
    wide = max(high, 0) - min(low, 0) or 1.0
    axes.set_xlim(min(low, -0.15 * wide), max(high, 0.15 * wide))
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    return axes


def _directions(axes: Axes, left: str, right: str) -> None:
    axes.set_title(f"← {left}", loc="left", style="italic", color="0.25", fontsize=7.5)
    axes.set_title(f"{right} →", loc="right", style="italic", color="0.25", fontsize=7.5)


def _name(results: Results, row: Standing) -> str:
    if one_reference(results):
        return style.plain(cut(row.pair.a, LONGEST))
    return style.plain(f"{cut(row.pair.a, LONGEST // 2)} − {cut(row.pair.b, LONGEST // 2)}")


def words(results: Results) -> tuple[str, str]:
    """Caption, and how to read the figure."""
    level, pairs = numbers.percent(results.study.analysis.confidence), results.pairs
    of = f"each view and {pairs[0].b}" if one_reference(results) else "the views of each comparison"
    with_trials = any(row.trials is not None for row in standings(results))
    what = "restricted mean trials-to-target (left) and final best (right)" if with_trials else "final best"
    caption = f"Differences between {of}, first minus second: {what}."
    reading = (
        f"A bar is the {level} bootstrap interval of its own comparison, not adjusted for their number; black where it excludes 0, "
        "grey and open where it includes 0."
    )
    return caption, reading
