"""The paired difference of two best-so-far curves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from hpstudy.analysis.comparisons.budgets import Difference
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.permutation import smallest_p
from hpstudy.report import numbers, style
from hpstudy.report.charts import words
from hpstudy.report.charts.axes import EARLIEST, around_zero, crowded, first_trials, outside, trial_axis
from hpstudy.report.charts.grid import PANELS, in_grid, parts
from hpstudy.report.charts.intervals import trials
from hpstudy.report.charts.marks import Band, Line, Mark, Marker, Rule
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.charts.words import along, confidence
from hpstudy.report.csvs import Row, numbered
from hpstudy.report.labels import SHORTEST
from hpstudy.report.limits import has_band

MARKED_UP_TO = 60
"""Maximum number of trials that each have a marker."""

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
    panels = [panel(results, pair.a, pair.b, len(pair.replicates), pair.curve) for pair in pairs if pair.curve is not None]
    counts = [len(pair.replicates) for pair in pairs]
    caption, reading = caption_and_reading(results, pairs)
    legend = [Entry("mean difference", dash="solid", symbol="circle", width=1.4)]
    if max(counts) > 1:
        legend.append(Entry(f"pointwise {level} interval", alpha=0.38))
    if any(has_band(results, count) for count in counts):
        legend.append(Entry(f"simultaneous {level} band", alpha=0.14))
    return Chart(
        name,
        in_grid(panels, columns),
        caption,
        reading + outside(first_trials, *panels),
        Data.of(results, differences),
        ((2.6 if columns == 1 else 2.3) + title_room((pair.a, pair.b) for pair in pairs)) * -(-len(pairs) // columns),
        legend=tuple(legend),
    )


def panel(results: Results, a: str, b: str, replicates: int, curve: Difference, *, confirmed: bool = False) -> Panel:
    """The mean of A minus B with its pointwise interval, and with its simultaneous band unless there are too few replicates.

    Args:
        results: of the study.
        a: name of the first view.
        b: name of the second view.
        replicates: number of pairs.
        curve: the difference.
        confirmed: whether it is of confirmed curves, in a figure with another legend.
    """
    groups: tuple[tuple[int, ...], ...] = ((), (), ()) if confirmed else ((MEAN,), (POINTWISE,), (SIMULTANEOUS,))
    x, columns, marks = trials(curve.mean), [curve.mean, curve.low, curve.high], list[Mark]()
    if curve.band is not None and has_band(results, replicates):
        low, high = curve.band.low, curve.band.high
        columns += [low, high]
        marks.append(Band(x=x, low=low, high=high, color=style.INK, alpha=0.14, groups=groups[SIMULTANEOUS]))
    if replicates > 1:
        marks.append(Band(x=x, low=curve.low, high=curve.high, color=style.INK, alpha=0.28, groups=groups[POINTWISE]))
    head = f"{a} − {b}, {'confirmed, ' if confirmed else ''}{numbers.things(replicates, 'replicate')}"
    marked = not confirmed and len(curve.mean) <= MARKED_UP_TO
    marker, hover = Marker(size=4) if marked else None, along(results, head, curve.mean, curve.low, curve.high)
    marks.append(Rule(axis="y", at=0.0, color=style.INK, dash="dash"))
    marks.append(Line(x=x, y=curve.mean, color=style.INK, width=1.4, marker=marker, groups=groups[MEAN], hover=hover))
    maximize = results.study.metric.goal == "maximize"
    first = crowded(*columns, least=EARLIEST if confirmed else 0.0)
    limits = around_zero(np.concatenate([column[first:] for column in columns]))
    label, title = words.difference(a, b), f"above 0: {a if maximize else b} better"
    if is_long(a, b):
        label, title = "difference", f"{label}\n(above 0: {'first' if maximize else 'second'} better)"
    values = Axis(label, limits, grid=True)
    return Panel(trial_axis(len(x)), values, tuple(marks), title=title, title_size=7.5, title_align="right")


def title_room(pairs: Iterable[tuple[str, str]]) -> float:
    """Additional height in inches of a row of panels whose titles have the names of the views."""
    return 0.25 if any(is_long(a, b) for a, b in pairs) else 0.0


def is_long(a: str, b: str) -> bool:
    """Whether the names of two views are too long for the vertical axis, so that they are above the panel."""
    return max(len(a), len(b)) > SHORTEST


def caption_and_reading(results: Results, pairs: Sequence[PairResult]) -> tuple[str, str]:
    """The caption and the explanation of the figure."""
    of = ", ".join(f"{pair.a} minus {pair.b} ({numbers.things(len(pair.replicates), 'paired replicate')})" for pair in pairs)
    caption = f"Paired difference of the best {results.study.metric.name} so far: {of}."
    counts = [len(pair.replicates) for pair in pairs]
    reading = bands(results, counts)
    if any(has_band(results, count) for count in counts):
        reading += " The pointwise interval is for a single trial that was chosen beforehand."
        if not results.provisional:
            reading += f" Verdicts are those of {'the declared endpoints' if results.declared else 'the adjusted tests'}, not of the bands."
    elif max(counts) > 1 and smallest_p(max(counts)) >= 1 - results.study.analysis.confidence:
        reading += " No test can then show a difference, also where the interval excludes 0."
    return caption, reading


def bands(results: Results, counts: Sequence[int]) -> str:
    """The explanation of the bands of differences; `counts` are the numbers of replicates."""
    if max(counts) == 1:
        return "One replicate has no spread, so there are no bands."
    pointwise = f"pointwise {confidence(results)} interval"
    if not any(has_band(results, count) for count in counts):
        return f"Band: {pointwise}. With this few replicates there is no simultaneous band."
    alone = ", each comparison by itself" if len(counts) > 1 else ""
    text = f"Inner band: {pointwise}; outer band: simultaneous over all trials{alone}."
    if not all(has_band(results, count) for count in counts):
        text += " A comparison of few replicates has no outer band."
    return text


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
    yield from numbered((a, b), np.full(len(curve.mean), replicates), curve.mean, curve.low, curve.high, *band)
