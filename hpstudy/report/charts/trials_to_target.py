"""Kaplan-Meier curves of trials-to-target, with numbers at risk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.report import csvs, numbers, overview, style
from hpstudy.report.charts.axes import marked_axis, row_axis, trial_axis
from hpstudy.report.charts.grid import beside_reference, reference_words, split_by_view
from hpstudy.report.charts.intervals import has_intervals
from hpstudy.report.charts.marks import Band, Dots, Hover, Labels, Mark, Marker, Steps
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Key, Panel
from hpstudy.report.charts.views import bands_first, entries
from hpstudy.report.charts.words import confidence, interval, label
from hpstudy.report.csvs import Row
from hpstudy.report.wording import level_origin, level_text

TICKS = 6
"""Approximate number of ticks with numbers at risk."""

SHARES = Axis("share of searches\nwithout the target", (-0.02, 1.04), grid=True)


def chart(results: Results) -> Chart:
    """The share of searches that have not reached the target after t trials; many views have separate panels."""
    count, ticks, curve = len(results.views), _ticks(results.study.search.trials), partial(_curve, results)
    axis = trial_axis(results.study.search.trials, first=0)
    marked = marked_axis(axis.label, axis.limits, ticks, map(str, ticks))
    curves = bands_first(mark for index in range(count) for mark in curve(index))
    table = 0.16 * count
    names = [label(results, view.name) for view in results.views]
    legend_rows = -(-count // style.legend_columns(names, style.letters_beside(names)))
    chart = Chart(
        "trials_to_target",
        (Panel(marked, SHARES, curves, key=Key(tuple(range(count)), above=True)), _at_risk(results, axis, ticks)),
        *caption_and_reading(results),
        Data.of(results, trials_to_target, csvs.searches),
        2.95 + table + 0.17 * legend_rows,
        legend=(*entries(results, symbol=False), *([Entry("intervals", media="page")] if _has_shades(results) else [])),
        heights=(2.1, table),
        page_note="The number at risk is in the text at each trial.",
    )
    return split_by_view(results, chart, lambda index: Panel(axis, SHARES, beside_reference(results, curve, index)))


def _has_shades(results: Results) -> bool:
    """Whether any curve has an interval; a curve of one search is 1 or 0, where there is none."""
    return has_intervals(view.trials.survival.low for view in results.views if view.trials is not None)


def _curve(results: Results, index: int) -> tuple[Mark, ...]:
    """A view's interval, steps and censoring ticks; the last value extends to the edge, so that a step at the last trial is visible."""
    view = results.views[index]
    if view.trials is None:
        return ()
    curve, color, name = view.trials.survival, style.color(index), label(results, view.name)
    trials = len(curve.share)
    trial = np.r_[np.arange(trials + 1.0), trials * 1.02]
    share, low, high = (np.r_[1.0, column, column[-1]] for column in (curve.share, curve.low, curve.high))
    columns = (curve.share, curve.low, curve.high, curve.at_risk, curve.reached, curve.censored)
    begun = len(view.trials.times.trials)
    texts = [f"{name}\n{numbers.things(begun, 'search', 'es')} {numbers.plural(begun, 'begins', 'begin')}"] + [
        f"{name}\nafter {numbers.things(step + 1, 'trial')} {numbers.percent(s)} have not reached the target{interval(results, lo, hi)}"
        f"\nat risk {risk}, reached {reached}, censored {censored}"
        for step, (s, lo, hi, risk, reached, censored) in enumerate(zip(*(column.tolist() for column in columns), strict=True))
    ]
    # No interval exists where the curve is 1 or 0; the band closes there instead of leaving a gap.
    low, high = (np.where(np.isnan(end), share, end) for end in (low, high))
    at = np.flatnonzero(curve.censored) + 1
    ticks = Marker("tick-up", 8, edge_width=1.4)
    hover, censored = Hover((*texts, texts[-1])), Hover(tuple(texts[step] for step in at.tolist()))
    return (
        Band(x=trial, low=low, high=high, color=color, alpha=0.15, stepped=True, groups=(index, len(results.views))),
        Steps(x=trial, y=share, color=color, width=1.6, dash=style.dash(index), groups=(index,), hover=hover),
        Dots(x=at.astype(np.float64), y=share[at], color=color, marker=ticks, clipped=False, groups=(index,), hover=censored),
    )


def _at_risk(results: Results, axis: Axis, ticks: Sequence[int]) -> Panel:
    """The numbers at risk of each view: searches just before a trial that have not ended and not reached the target."""
    rows = [(index, view.name, view.trials) for index, view in enumerate(results.views) if view.trials is not None]
    marks = tuple(
        Labels(
            x=np.array(ticks, dtype=np.float64),
            y=np.full(len(ticks), float(row)),
            texts=tuple(str(trials.survival.at_risk[tick - 1] if tick else len(trials.times.trials)) for tick in ticks),
            color=style.color(index),
        )
        for row, (index, _, trials) in enumerate(rows)
    )
    return Panel(
        replace(axis, label="", ticks="none", line=False),
        replace(row_axis([label(results, name) for _, name, _ in rows]), line=False),
        marks,
        title="at risk: searches without the target just before that trial",
        title_size=7.5,
        title_align="left",
        row=1,
        media="print",
    )


def _ticks(trials: int) -> list[int]:
    """The trials with numbers at risk: about `TICKS` of them, including the first and the last."""
    power = 10 ** math.floor(math.log10(max(1, trials / TICKS)))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= trials / TICKS)
    return [tick for tick in range(0, trials, step) if trials - tick > step / 2] + [trials]


def caption_and_reading(results: Results) -> tuple[str, str]:
    """The caption and the explanation of the figure."""
    many = overview.many_views(results)
    shades = f", and shades are pointwise {confidence(results)} log-log intervals." if _has_shades(results) else "."
    caption = (
        "Kaplan-Meier curves of trials-to-target: share of searches that have not reached "
        f"{level_text(results)}, {level_origin(results)}."
    )
    reading = (
        f"{'A curve that falls early reaches the target early' if many else 'The lower curve reaches the target earlier'}; ticks are "
        f"searches that ended without it (censored){shades}"
    )
    if many:
        reading += f"{reference_words(results, 'the curve')} The numbers at risk are in trials_to_target.csv."
    return caption, reading


def trials_to_target(results: Results) -> Iterator[Row]:
    """The Kaplan-Meier curve of every view."""
    yield "view", "trials", "at_risk", "reached", "censored", "share_without_target", "low", "high"
    for view in results.views:
        if view.trials is not None:
            s = view.trials.survival
            yield from csvs.numbered((view.name,), s.at_risk, s.reached, s.censored, s.share, s.low, s.high)
