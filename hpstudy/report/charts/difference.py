"""The paired difference of two best-so-far curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hpstudy.analysis.comparisons.budgets import Difference
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.charts import words
from hpstudy.report.charts.axes import around_zero, trial_axis
from hpstudy.report.charts.grid import in_grid, parts
from hpstudy.report.charts.intervals import trials
from hpstudy.report.charts.marks import Band, Line, Mark, Marker, Rule
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.charts.views import aside
from hpstudy.report.charts.words import along, confidence
from hpstudy.report.csvs import Row, numbered
from hpstudy.report.labels import SHORTEST, cut

PANELS = 6
"""Maximum number of comparisons in one figure, which fits on a page."""

MARKED_UP_TO = 60
"""Maximum number of trials that each have a marker."""

NOTE_ROOM = 0.16
"""Margin of the value axis for the notes in its corners, as a share of the range of the values."""

MEAN, POINTWISE, SIMULTANEOUS = 0, 1, 2
"""Indices in the legend."""

COLUMNS = ("a", "b", "trials", "replicates", "mean", "low", "high", "band_low", "band_high")


def charts(results: Results) -> Iterator[Chart]:
    """The figures, with up to `PANELS` comparisons each."""
    pairs = [pair for pair in results.pairs if pair.curve is not None]
    for name, part in parts("difference", pairs, PANELS):
        yield _chart(results, name, part)


def _chart(results: Results, name: str, pairs: Sequence[PairResult]) -> Chart:
    level = confidence(results)
    columns = min(len(pairs), 2)
    panels = [_panel(results, pair, pair.curve) for pair in pairs if pair.curve is not None]
    legend = [Entry("mean difference", dash="solid", symbol="circle", width=1.4)]
    if any(pair.curve is not None and pair.curve.band is not None for pair in pairs):
        legend += [Entry(f"pointwise {level} interval", alpha=0.38), Entry(f"simultaneous {level} band", alpha=0.14)]
    return Chart(
        name,
        in_grid(panels, columns),
        *caption_and_reading(results, pairs),
        Data.of(results, differences),
        2.6 if columns == 1 else 2.3 * -(-len(pairs) // columns),
        legend=tuple(legend),
    )


def _panel(results: Results, pair: PairResult, curve: Difference) -> Panel:
    head, marked = f"{pair.a} − {pair.b}, {numbers.things(len(pair.replicates), 'replicate')}", len(curve.mean) <= MARKED_UP_TO
    return panel(results, pair.a, pair.b, head, curve, ((MEAN,), (POINTWISE,), (SIMULTANEOUS,)), marked=marked)


def panel(
    results: Results,
    a: str,
    b: str,
    head: str,
    curve: Difference,
    groups: Sequence[tuple[int, ...]],
    *,
    marked: bool,
    skipped: int = 0,
) -> Panel:
    """The mean of A minus B with its pointwise interval and its simultaneous band.

    Args:
        results: of the study.
        a: name of the first view.
        b: name of the second view.
        head: first line of the hover texts.
        curve: the difference.
        groups: legend groups of the mean, the intervals and the band, as in `Mark`.
        marked: whether each trial has a marker.
        skipped: number of first trials that do not determine the axis.
    """
    x, columns, marks = trials(curve.mean), [curve.mean, curve.low, curve.high], list[Mark]()
    if curve.band is not None:
        columns += [curve.band.low, curve.band.high]
        marks += [
            Band(x=x, low=curve.band.low, high=curve.band.high, colour=style.INK, alpha=0.14, groups=groups[SIMULTANEOUS]),
            Band(x=x, low=curve.low, high=curve.high, colour=style.INK, alpha=0.28, groups=groups[POINTWISE]),
        ]
    marker, hover = Marker(size=4) if marked else None, along(results, head, curve.mean, curve.low, curve.high)
    marks.append(Rule(axis="y", at=0.0, colour=style.INK, dash="dash"))
    marks.append(Line(x=x, y=curve.mean, colour=style.INK, width=1.4, marker=marker, groups=groups[MEAN], hover=hover))
    above, below = (cut(name, SHORTEST) for name in ((a, b) if results.study.metric.goal == "maximize" else (b, a)))
    marks += [aside(f"{above} better", 0.99, 0.98, "right", "top"), aside(f"{below} better", 0.99, 0.02, "right", "bottom")]
    limits = around_zero(np.concatenate([column[skipped:] for column in columns]), room=NOTE_ROOM)
    return Panel(trial_axis(len(x)), Axis(words.difference(a, b), limits, grid=True), tuple(marks))


def caption_and_reading(results: Results, pairs: Sequence[PairResult]) -> tuple[str, str]:
    """The caption and the explanation of the figure."""
    of = ", ".join(f"{pair.a} minus {pair.b} ({_pairs(pair)})" for pair in pairs)
    caption = f"Paired difference of the best {results.study.metric.name} so far: {of}."
    if all(pair.curve is None or pair.curve.band is None for pair in pairs):
        return caption, "One replicate has no spread, so there are no bands."
    reading = (
        "The views differ where the outer, simultaneous band excludes 0: it holds for all trials at once. The inner band holds for a "
        "single trial that was chosen beforehand."
    )
    return caption, reading


def _pairs(pair: PairResult) -> str:
    return numbers.things(len(pair.replicates), "paired replicate")


def differences(results: Results) -> Iterator[Row]:
    """The paired difference curve of every comparison, A minus B."""
    yield COLUMNS
    for pair in results.pairs:
        if pair.curve is not None:
            yield from rows(pair.a, pair.b, len(pair.replicates), pair.curve)


def rows(a: str, b: str, replicates: int, curve: Difference) -> Iterator[Row]:
    """The rows of one difference, with the columns `COLUMNS`."""
    nothing = np.full(len(curve.mean), np.nan)
    band = (curve.band.low, curve.band.high) if curve.band else (nothing, nothing)
    for trial, *row in numbered(curve.mean, curve.low, curve.high, *band):
        yield a, b, trial, replicates, *row
