"""Performance profiles: the share of problems that a view solves with at most a given multiple of the trials of the fastest view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hpstudy.analysis.cross_study import Several
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.performance_profile import PerformanceProfile
from hpstudy.report import numbers, style
from hpstudy.report.charts.marks import Hover, Steps
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.csvs import Row


def chart(profile: PerformanceProfile, names: Sequence[str], problems: str, data: tuple[Data, ...]) -> Chart:
    """The profiles.

    Args:
        profile: profiles of the views.
        names: names of the views in the legend.
        problems: name of the problems, in the plural.
        data: the CSV file of the figure.
    """
    largest = float(profile.ratios[-1])
    end = max(2.0, largest * 1.05)
    x = np.append(profile.ratios, end)
    lines = []
    for index, (name, shares) in enumerate(zip(names, profile.shares, strict=True)):
        texts = tuple(
            f"{name}\nat most {numbers.general(ratio, 3)} times the fewest trials: {numbers.percent(round(share, 3))} of {problems}"
            for ratio, share in zip(x.tolist(), [*shares.tolist(), float(shares[-1])], strict=True)
        )
        look = style.look(index)
        lines.append(
            Steps(
                x=x,
                y=np.append(shares, shares[-1]),
                color=look.color,
                dash=look.dash,
                width=1.6,
                groups=(index,),
                hover=Hover(texts),
            )
        )
    return Chart(
        "performance_profiles",
        (
            Panel(
                Axis("trials to the target, as a multiple of those of the fastest view", (1.0, end), log=end > 20),
                Axis(f"share of {problems}", (0.0, 1.02), grid=True),
                tuple(lines),
            ),
        ),
        f"Performance profiles of trials to the target over {profile.problems} {problems}.",
        "At 1: how often a view is the fastest, ties included. At the right end: how often it reaches the target at all.",
        data,
        2.4 + style.LEGEND_ROW * -(-len(names) // style.legend_columns(names)),
        legend=tuple(Entry(name, style.color(index), style.dash(index)) for index, name in enumerate(names)),
    )


def performance_profiles(source: Results | Several) -> Iterator[Row]:
    """The steps of the profile of every view."""
    yield "view", "ratio", "share", "problems"
    if source.ranking is None or (profile := source.ranking.profile) is None:
        return
    for name, shares in zip(profile.names, profile.shares.tolist(), strict=True):
        for ratio, share in zip(profile.ratios.tolist(), shares, strict=True):
            yield name, ratio, share, profile.problems
