"""Mean best so far against training time."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.analysis.supplement.study import Supplement
from hpstudy.report import numbers, style
from hpstudy.report.charts.axes import EARLIEST, around, best_axis, best_limits, outside
from hpstudy.report.charts.intervals import NO_INTERVALS, has_intervals, mean_curve
from hpstudy.report.charts.marks import Hover, Mark
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.charts.views import bands_first
from hpstudy.report.charts.words import confidence, estimated, label
from hpstudy.report.csvs import Row, listed


def chart(results: Results, supplement: Supplement) -> Chart:
    """All views with a curve; they share one time grid."""
    assert supplement.seconds is not None, "there is no curve without a grid of seconds"
    x = supplement.seconds
    views = [
        (index, label(results, view.name), view.cost) for index, view in enumerate(supplement.views) if view.cost is not None
    ]
    marks: list[Mark] = []
    for group, (index, name, cost) in enumerate(views):
        ends = (cost.mean, cost.low, cost.high)
        texts = tuple(
            f"{name}, {numbers.duration(seconds)} of training\nmean best so far {estimated(results, *values)}"
            for seconds, *values in zip(*listed(x, *ends), strict=True)
        )
        look, marked = style.look(index), (2 * index, 10)
        marks += mean_curve(x, ends, look, alpha=0.2, size=5, stepped=True, groups=(group,), every=marked, hover=Hover(texts))
    drawn = has_intervals(cost.low for _, _, cost in views)
    intervals = f" with pointwise {confidence(results)} intervals." if drawn else f". {NO_INTERVALS}"
    first = int(EARLIEST * len(x))
    values = best_limits(results, *(end[first:] for _, _, cost in views for end in (cost.mean, cost.low, cost.high)))
    panel = Panel(Axis("seconds of training", around(x)), best_axis(results, values), bands_first(marks))
    return Chart(
        "best_by_seconds",
        (panel,),
        f"Mean best {results.study.metric.name} against seconds of training of a search.",
        f"Means over complete searches{intervals} The curves begin when every search has finished a trial, and "
        "end when the first search has finished all trials. Time spent choosing points is not counted."
        + outside(lambda seconds: f"first {numbers.duration(seconds)}", panel),
        Data.of(results, best_by_seconds),
        2.8,
        legend=tuple(Entry(name, *style.look(index)) for index, name, _ in views),
    )


def best_by_seconds(results: Results) -> Iterator[Row]:
    """The mean best so far of every view against training seconds."""
    yield "view", "seconds", "mean", "low", "high"
    if results.supplement is None or results.supplement.seconds is None:
        return
    for view in results.supplement.views:
        if view.cost is not None:
            for row in zip(*listed(results.supplement.seconds, view.cost.mean, view.cost.low, view.cost.high), strict=True):
                yield view.name, *row
