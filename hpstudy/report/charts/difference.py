"""The paired difference of two best-so-far curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.charts.axes import around_zero, trial_axis
from hpstudy.report.charts.curves import trials
from hpstudy.report.charts.grid import in_grid, parts
from hpstudy.report.charts.hovers import along
from hpstudy.report.charts.model import Axis, Band, Chart, Data, Entry, Line, Mark, Marker, Panel, Rule
from hpstudy.report.charts.views import aside
from hpstudy.report.charts.words import confidence
from hpstudy.report.csvs import Row, numbered
from hpstudy.report.labels import SHORTEST, cut

PANELS = 6
"""Maximum number of comparisons in one figure, which fits on a page."""

MARKED_UP_TO = 60
"""Maximum number of trials that each have a marker."""

MEAN, POINTWISE, SIMULTANEOUS = 0, 1, 2
"""Indices in the legend."""


def charts(results: Results) -> Iterator[Chart]:
    """The figures, with up to `PANELS` comparisons each."""
    pairs = [pair for pair in results.pairs if pair.curve is not None]
    for name, shown in parts("difference", pairs, PANELS):
        yield _chart(results, name, shown)


def _chart(results: Results, name: str, pairs: Sequence[PairResult]) -> Chart:
    level = confidence(results)
    columns = min(len(pairs), 2)
    legend = [Entry("mean difference", dash="solid", symbol="circle", width=1.4)]
    if any(pair.curve is not None and pair.curve.band is not None for pair in pairs):
        legend += [Entry(f"pointwise {level} interval", alpha=0.38), Entry(f"simultaneous {level} band", alpha=0.14)]
    return Chart(
        name,
        in_grid([_panel(results, pair) for pair in pairs], columns),
        *caption_and_reading(results, pairs),
        Data.of(results, differences),
        2.6 if columns == 1 else 2.3 * -(-len(pairs) // columns),
        legend=tuple(legend),
    )


def _panel(results: Results, pair: PairResult) -> Panel:
    """The mean difference with its pointwise and its simultaneous band."""
    curve = pair.curve
    assert curve is not None, "the caller has looked"
    trial = trials(curve.mean)
    a, b = (cut(name, SHORTEST) for name in (pair.a, pair.b))
    marks: list[Mark] = []
    ends = [curve.mean]
    if curve.band is not None:
        ends += [curve.low, curve.high, curve.band.low, curve.band.high]
        outer = Band(x=trial, low=curve.band.low, high=curve.band.high, colour=style.INK, alpha=0.14, groups=(SIMULTANEOUS,))
        marks += [outer, Band(x=trial, low=curve.low, high=curve.high, colour=style.INK, alpha=0.28, groups=(POINTWISE,))]
    text = f"{pair.a} − {pair.b}, {len(pair.replicates)} replicates"
    marks.append(Rule(axis="y", at=0.0, colour=style.INK, dash="dash"))
    marks.append(
        Line(
            x=trial,
            y=curve.mean,
            colour=style.INK,
            width=1.4,
            marker=Marker(size=4) if len(trial) <= MARKED_UP_TO else None,
            groups=(MEAN,),
            hover=along(results, text, curve.mean, curve.low, curve.high),
        )
    )
    above, below = (a, b) if results.study.metric.goal == "maximize" else (b, a)
    marks += [aside(f"{above} better", 0.99, 0.98, "right", "top"), aside(f"{below} better", 0.99, 0.02, "right", "bottom")]
    values = Axis(f"{a} − {b}", around_zero(np.concatenate(ends)), grid=True)
    return Panel(trial_axis(len(trial)), values, tuple(marks))


def caption_and_reading(results: Results, pairs: Sequence[PairResult]) -> tuple[str, str]:
    """The caption and the explanation of the figure."""
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


def differences(results: Results) -> Iterator[Row]:
    """The paired difference curve of every comparison, A minus B."""
    yield "a", "b", "trials", "replicates", "mean", "low", "high", "band_low", "band_high"
    for pair in results.pairs:
        if pair.curve is None:
            continue
        nothing = np.full(len(pair.curve.mean), np.nan)
        band = (pair.curve.band.low, pair.curve.band.high) if pair.curve.band else (nothing, nothing)
        for trial, *row in numbered(pair.curve.mean, pair.curve.low, pair.curve.high, *band):
            yield pair.a, pair.b, trial, len(pair.replicates), *row
