"""Learning curves of the points of a sweep: a metric against the epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, summary
from hpstudy.report import numbers, style
from hpstudy.report.charts.sweep_metrics import COLUMNS, FLIPS, metrics
from hpstudy.report.charts.swept import layout, rank, spans_decades, text_of
from hpstudy.report.figures.learning import BANDS, Curve, chosen, limits
from hpstudy.report.interactive.marks import point_words, scaled
from hpstudy.report.interactive.spec import (
    Entry,
    Interactive,
    Panel,
    Trace,
    band,
    dash,
    faded,
    hover,
    interval,
    label,
    symbol,
    words,
)


def learning_curves(results: Results, part: int) -> Interactive | None:
    """The interactive form of `figures.draw_learning` for the objective: part number `part`."""
    return _of_metric(results, results.study.metric.name, part)


def learning_curves_flips(results: Results, part: int) -> Interactive | None:
    """The same for the flip ratio."""
    return _of_metric(results, FLIPS, part) if FLIPS in metrics(results) else None


def _of_metric(results: Results, metric: str, part: int) -> Interactive | None:
    drawn = [view for view in results.sweep if metric in view.curves and len(view.epochs) > 1]
    views = drawn[3 * COLUMNS * part : 3 * COLUMNS * (part + 1)]
    if not views:
        return None
    ends = limits(results, metric, drawn)
    means = np.concatenate([summary(view.curves[metric], 0.9).mean.ravel() for view in views])
    log = metric != results.study.metric.name and spans_decades(means)
    legend: list[Entry] = []
    panels = []
    for view in views:
        curves, _ = chosen(results, view, layout(results, view))
        made: list[Trace] = []
        lines: list[Trace] = []
        for curve, entry in zip(curves, _entries(results, view, curves), strict=True):
            if entry not in legend:
                legend.append(entry)
            area, line = _curve(results, metric, view, curve, entry, legend.index(entry), ends[0] if log else -np.inf)
            made += [area] if len(curves) <= BANDS else []
            lines.append(line)
        x = {"title": {"text": "epoch"}, "tickformat": "d", "zeroline": False}
        title = label(results, view.name) if len(results.sweep) > 1 else ""
        panels.append(Panel(title, (*made, *lines), x, scaled(ends, metric, log=log)))
    return Interactive(tuple(panels), tuple(legend))


def _entries(results: Results, view: SweepView, curves: Sequence[Curve]) -> list[Entry]:
    """How each curve looks: colours along the main hyperparameter, line styles along the others."""
    main = layout(results, view).main
    ordered = main is not None and rank(results.study.views[view.name].space.root[main]) < 2
    keys = [(curve.value, curve.number if curve.value is None else None) for curve in curves]
    places = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    colours = style.shades(len(places)) if ordered else [style.colour(at) for at in range(len(places))]
    entries = []
    for curve, key in zip(curves, keys, strict=True):
        swept = text_of({name: view.points[curve.number][name] for name in view.swept})
        name = swept or (f"point {curve.number}" if len(curves) > 1 else label(results, view.name))
        entries.append(Entry(name, colours[places[key]], dash(curve.style), symbol(places[key])))
    return entries


def _curve(
    results: Results, metric: str, view: SweepView, curve: Curve, entry: Entry, group: int, bottom: float
) -> tuple[Trace, Trace]:
    """The band and the line of one point; an interval is cut off at `bottom`."""
    found = summary(view.curves[metric][:, curve.number], results.study.analysis.confidence)
    level, head = numbers.percent(results.study.analysis.confidence), point_words(results, view, curve.number)
    columns = (found.replicates, found.mean, found.low, found.high)
    texts = [
        f"{head}<br>epoch {epoch}: mean {words(metric)} of {n} replicates {numbers.general(mean, 6)}{interval(low, high, level)}"
        for epoch, n, mean, low, high in zip(view.epochs.tolist(), *(row.tolist() for row in columns), strict=True)
    ]
    low, high = (np.where(np.isnan(end), np.nan, np.maximum(end, bottom)) for end in (found.low, found.high))
    line: Trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": view.epochs,
        "y": found.mean,
        "line": {"width": 2, "color": entry.colour, "dash": entry.dash},
        "marker": {"size": 6, "symbol": entry.symbol, "color": entry.colour, "maxdisplayed": 8},
        "meta": [group],
    }
    return band(view.epochs.astype(np.float64), low, high, faded(entry.colour, 0.14), (group,)), hover(line, texts)
