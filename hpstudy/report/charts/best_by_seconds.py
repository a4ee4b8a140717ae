"""Mean best so far against seconds of training."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hpstudy.analysis.results import Results
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import around, best_axis
from hpstudy.report.charts.hovers import interval
from hpstudy.report.charts.model import Axis, Band, Chart, Data, Entry, Hover, Mark, Marker, Panel, Steps
from hpstudy.report.charts.words import label
from hpstudy.report.csvs import Row


def chart(results: Results, found: Supplement) -> Chart:
    """All views that have a curve; their grid of seconds is one."""
    assert found.seconds is not None, "there is no curve without a grid of seconds"
    level, x = numbers.percent(results.study.analysis.confidence), found.seconds
    shown = [(index, label(results, view.name), view.cost) for index, view in enumerate(found.views) if view.cost is not None]
    legend = [Entry(name, style.colour(index), style.dash(index), style.symbol(index)) for index, name, _ in shown]
    bands: list[Mark] = []
    lines: list[Mark] = []
    for place, (index, name, cost) in enumerate(shown):
        groups, colour = (place,), style.colour(index)
        bands.append(Band(x=x, low=cost.low, high=cost.high, colour=colour, alpha=0.2, stepped=True, groups=groups))
        texts = tuple(
            f"{name}, {numbers.duration(seconds)} of training\nmean best so far {numbers.general(mean, 6)}{interval(low, high, level)}"
            for seconds, mean, low, high in zip(*(row.tolist() for row in (x, cost.mean, cost.low, cost.high)), strict=True)
        )
        lines.append(
            Steps(
                x=x,
                y=cost.mean,
                colour=colour,
                dash=style.dash(index),
                marker=Marker(style.symbol(index), 5),
                every=(2 * index, 10),
                groups=groups,
                hover=Hover(texts),
            )
        )
    values = around(*(end for _, _, cost in shown for end in (cost.mean, cost.low, cost.high)))
    return Chart(
        "best_by_seconds",
        (Panel(Axis("seconds of training", around(x)), best_axis(results, values), (*bands, *lines)),),
        f"Mean best {results.study.metric.name} against seconds of training of a search.",
        f"Means over complete searches with pointwise {level} intervals, from when every search had finished a trial to "
        "when the first had finished its last; seconds spent choosing points are not counted.",
        (Data("best_by_seconds", partial(best_by_seconds, results)),),
        2.8,
        legend=tuple(legend),
    )


def best_by_seconds(results: Results) -> Iterator[Row]:
    """The mean best so far of every view against seconds of training."""
    yield "view", "seconds", "mean", "low", "high"
    if results.supplement is None or results.supplement.seconds is None:
        return
    seconds = results.supplement.seconds.tolist()
    for view in results.supplement.views:
        if view.cost is not None:
            columns = (column.tolist() for column in (view.cost.mean, view.cost.low, view.cost.high))
            for row in zip(seconds, *columns, strict=True):
                yield view.name, *row
