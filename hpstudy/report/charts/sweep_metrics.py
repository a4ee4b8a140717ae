"""Shared parts of the charts of a sweep: drawn metrics, value axes, texts of points, and the CSV files of metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import Means, SweepView, summary
from hpstudy.metric_names import is_of_bin
from hpstudy.report import numbers
from hpstudy.report.charts.intervals import NO_INTERVALS, has_intervals
from hpstudy.report.charts.marks import Hover
from hpstudy.report.charts.model import Axis
from hpstudy.report.charts.swept import spans_decades, text_of, value_range
from hpstudy.report.charts.words import Words, confidence, estimated, label
from hpstudy.report.csvs import Row, listed

FLIPS = "flip_ratio"
"""The metric that is drawn next to the objective if it was recorded."""

COLUMNS = 3
"""Maximum number of views side by side."""

MOST_LINES = 12
"""Maximum number of lines in one panel."""


def metrics(results: Results) -> tuple[str, ...]:
    """The drawn metrics: the objective, and the flip ratio if any view recorded it."""
    objective = results.study.metric.name
    recorded = any(FLIPS in view.values for view in results.sweep) and objective != FLIPS
    return (objective, FLIPS) if recorded else (objective,)


def metric_words(results: Results) -> str:
    """The drawn metrics, for a sentence."""
    return " and ".join(metrics(results))


def all_values(results: Results, metric: str) -> Floats:
    """Every value of a metric in the study, as one row."""
    return np.concatenate([view.values[metric].ravel() for view in results.sweep if metric in view.values])


def _means(results: Results, metric: str) -> list[Means]:
    """The means of every view that has the metric."""
    level = results.study.analysis.confidence
    return [summary(view.values[metric], level) for view in results.sweep if metric in view.values]


def value_axis(results: Results, metric: str) -> Axis:
    """The vertical axis of a metric's final values: the same in all panels."""
    return spanning(results, metric, all_values(results, metric), _means(results, metric))


def spanning(results: Results, metric: str, values: Floats, summaries: Sequence[Means]) -> Axis:
    """A vertical axis for values of a metric and intervals of means; the axis of the objective is never logarithmic."""
    log = metric != results.study.metric.name and spans_decades(values)
    bands = np.concatenate([end.ravel() for means in summaries for end in (means.low, means.high)])
    return Axis(Words(metric, "value"), value_range(values, bands, log=log), log=log, grid=True)


def points(view: SweepView) -> Iterator[tuple[int, str]]:
    """(number, point as JSON) of every started point."""
    for number, point in enumerate(view.points):
        if point:
            yield number, json.dumps(point, ensure_ascii=False)


def point_words(results: Results, view: SweepView, number: int) -> str:
    """View, number and hyperparameters of a point, for a hover text."""
    point: Mapping[str, Any] = view.points[number]
    values = "".join(f"\n{text_of({name: value})}" for name, value in point.items())
    return f"{label(results, view.name)}, point {number}{values}"


def mean_hover(results: Results, metric: str, means: Means, heads: Sequence[str]) -> Hover:
    """Hover texts of means with their intervals, each after its head."""
    rows = zip(heads, *listed(means.replicates, means.mean, means.low, means.high), strict=True)
    return Hover(
        tuple(
            f"{head}\nmean {metric} of {numbers.things(n, 'replicate')} {estimated(results, *ends)}" if n else f"{head}\nno value"
            for head, n, *ends in rows
        )
    )


def replicated(results: Results) -> bool:
    """Whether the mean of any metric at any point has an interval."""
    return has_intervals(means.low for metric in metrics(results) for means in _means(results, metric))


def explained(results: Results, *, joined: bool) -> str:
    """The explanation of the marks; intervals are bands if lines join the means, else bars."""
    shape, level = "a band" if joined else "a bar", confidence(results)
    intervals = f", with {shape}: the {level} t interval over replicates." if replicated(results) else f". {NO_INTERVALS}"
    text = f"Small marks are single replicates, large ones their mean{intervals}"
    for metric in metrics(results):
        if not value_axis(results, metric).log:
            continue
        if zeros := int((all_values(results, metric) == 0).sum()):
            are = "is" if zeros == 1 else "are"
            text += f" {numbers.things(zeros, 'value')} of {metric} {are} 0 and cannot be shown on its logarithmic axis."
        if any((means.low <= 0).any() for means in _means(results, metric)):  # a logarithmic axis cannot show it
            text += f" An interval of {metric} that reaches the bottom of its axis includes 0."
    return text


def sweep_values(results: Results) -> Iterator[Row]:
    """Every final metric of every started trial, except those of bins; the value of a trial without one is empty."""
    yield "view", "number", "point", "replicate", "metric", "value"
    for view in results.sweep:
        started = results.view(view.name).searches.states > 0
        for number, point in points(view):
            for replicate in np.flatnonzero(started[:, number]).tolist():
                for metric, values in _listed(view).items():
                    yield view.name, number, point, replicate, metric, float(values[replicate, number])


def _listed(view: SweepView) -> dict[str, Floats]:
    """The metrics of a view except those of bins, which have a separate table (`hpstudy.report.chapters.layers`)."""
    return {metric: values for metric, values in view.values.items() if not is_of_bin(metric)}


def sweep_means(results: Results) -> Iterator[Row]:
    """The mean over replicates of every final metric at every point, except those of bins."""
    yield "view", "number", "point", "metric", "replicates", "mean", "low", "high"
    for view in results.sweep:
        summaries = {metric: summary(values, results.study.analysis.confidence) for metric, values in _listed(view).items()}
        for number, point in points(view):
            for metric, means in summaries.items():
                ends = (float(end[number]) for end in (means.mean, means.low, means.high))
                yield view.name, number, point, metric, int(means.replicates[number]), *ends
