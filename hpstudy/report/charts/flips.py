"""The objective against the flip ratio, one panel for each view."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.exploration.searches import SearchedView
from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.charts.axes import OUTSIDE, around
from hpstudy.report.charts.grid import in_grid, title_length
from hpstudy.report.charts.marks import Marker
from hpstudy.report.charts.model import Axis, Chart, Data, Panel
from hpstudy.report.charts.searched import cloud, limits, note, rings, searched_trials
from hpstudy.report.charts.views import index_of
from hpstudy.report.charts.words import label, metric
from hpstudy.report.csvs import Row


def chart(results: Results, views: list[SearchedView]) -> Chart:
    """All trials of views with flip ratios; the axis is logarithmic if the ratios span decades."""
    columns = min(3, len(views))
    all_ratios = np.concatenate([view.flips.ratio for view in views if view.flips])
    positive = all_ratios[np.isfinite(all_ratios) & (all_ratios > 0)]
    log = bool(positive.size) and positive.max() > 20 * positive.min()
    floor = float(positive.min()) / 2 if log else 0.0
    ends = (floor / 1.5, float(positive.max()) * 1.5) if log else around(np.maximum(all_ratios, floor))
    ratios = Axis("flip ratio", ends, log=log, ticks="decades" if log else "auto")
    at_zero = " A ratio of 0 is at the left end of the logarithmic axis." if log and (all_ratios == 0).any() else ""
    values = Axis(metric(results, 20), limits(np.concatenate([view.objective for view in views]), results.study.metric.goal))
    panels = [_panel(results, view, floor, ratios, values, title_length(columns)) for view in views]
    return Chart(
        "searched_flips",
        in_grid(panels, columns, shared=True),
        f"{results.study.metric.name} over the flip ratio.",
        f"A mark is a trial; a ring marks the best trial of a search.{at_zero} {OUTSIDE}",
        Data.of(results, searched_trials, searched_flips),
        0.2 + 2.1 * -(-len(views) // columns),
        page_note=" ".join(f"{view.name}: {text}" for view in views if (text := note(view))),
    )


def _panel(results: Results, view: SearchedView, floor: float, ratios: Axis, values: Axis, longest: int) -> Panel:
    assert view.flips is not None, "the caller checks this"
    index, ratio = index_of(results, view.name), np.maximum(view.flips.ratio, floor)
    color, marker = style.color(index), Marker(style.symbol(index), 2.2)
    marks = (
        *cloud(results, view, ratio, view.objective, color=color, marker=marker, alpha=0.45),
        rings(results, view, ratio, 4),
    )
    return Panel(ratios, values, marks, title=label(results, view.name, longest), title_align="left")


def searched_flips(results: Results) -> Iterator[Row]:
    """Rank correlations of flip ratio and objective."""
    yield "view", "searches", "trials", "spearman", "low", "high"
    for view in results.searched:
        if (flips := view.flips) is not None:
            yield view.name, flips.searches, int(np.isfinite(flips.ratio).sum()), flips.correlation, flips.low, flips.high
