"""The critical-difference diagram: mean ranks on an axis, with bars over groups without a shown difference."""

from __future__ import annotations

from typing import Literal

import numpy as np

from hpstudy.analysis.statistics.critical_difference import MeanRanks
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import marked_axis
from hpstudy.report.charts.marks import Hover, Labels, Line, Mark
from hpstudy.report.charts.model import Axis, Chart, Data, Panel
from hpstudy.report.labels import cut

NAME = 0.2
"""Distance of two names in inches."""

LETTERS = 20
"""Maximum number of characters of a name, which fit next to the axis."""


def chart(ranks: MeanRanks, blocks: str, confidence: str, data: tuple[Data, ...]) -> Chart:
    """The diagram.

    Args:
        ranks: the ranks.
        blocks: name of the blocks, "replicates" or "studies".
        confidence: level of the critical difference, "95%".
        data: the CSV file of the diagram.
    """
    count = len(ranks.names)
    low, high = 1.0, float(count)
    # Names are above the axis, from the best at the left to the worst at the right. Bars are between the names and the axis.
    bars, half = len(ranks.alike), (count + 1) // 2
    first, step = 0.45 + 0.25 * bars, 0.6
    top = first + step * half + 0.9
    marks: list[Mark] = []
    margin = 0.04 * (high - low)
    for index, (name, rank) in enumerate(zip(ranks.names, ranks.ranks.tolist(), strict=True)):
        left = index < half
        row = index if left else count - 1 - index
        height, side = first + step * row, low - margin if left else high + margin
        text = f"{cut(name, LETTERS)} {numbers.metric(rank, 2)}"
        hover = Hover((f"{name}\nmean rank {numbers.metric(rank, 2)}",) * 3)
        marks.append(
            Line(x=np.array([rank, rank, side]), y=np.array([0.0, height, height]), color=style.INK, width=0.8, hover=hover)
        )
        marks.append(_text(text, side, height, "right" if left else "left"))
    for index, (start, end) in enumerate(ranks.alike):
        height, ends = 0.25 + 0.25 * index, ranks.ranks[[start, end]] + np.array([-0.03, 0.03]) * (high - low) / 2
        marks.append(Line(x=ends, y=np.full(2, height), color=style.INK, width=3.0))
    critical = ranks.critical_difference
    if critical <= high - low:
        marks.append(Line(x=np.array([low, low + critical]), y=np.full(2, top - 0.35), color=style.gray(0.4), width=1.2))
    label = f"critical difference {numbers.metric(critical, 2)}"
    marks.append(_text(label, low, top - 0.1, "left"))
    room = 0.45 * (high - low)
    ticks = range(1, count + 1)
    axis = marked_axis("mean rank, 1 is best", (low - room, high + room), ticks, map(str, ticks))
    return Chart(
        "critical_difference",
        (Panel(axis, Axis("", (0.0, top + 0.2), ticks="none", line=False), tuple(marks)),),
        f"Mean ranks over {ranks.blocks} {blocks}, with Nemenyi's critical difference at {confidence}.",
        "A thick bar joins ranks between which no difference is shown.",
        data,
        0.8 + NAME * (half + bars / 2 + 1.5),
    )


def _text(text: str, x: float, y: float, align: Literal["left", "right"]) -> Labels:
    return Labels(
        x=np.array([x]),
        y=np.array([y]),
        texts=(text,),
        align=align,
        anchor="middle",
        shift=((3.0 if align == "left" else -3.0), 0.0),
    )
