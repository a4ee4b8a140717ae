"""Metrics against the swept value: the same lines and panels as in `hpstudy.report.figures.sweep`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView
from hpstudy.report import style
from hpstudy.report.figures.marks import COLUMNS, logarithmic, metrics, shades, thinned
from hpstudy.report.figures.sweep import TOGETHER
from hpstudy.report.figures.swept import Axis, Layout, axis, layout, rank, text_of
from hpstudy.report.interactive.marks import Line, swept_axis, traces, value_axis
from hpstudy.report.interactive.spec import Entry, Interactive, Panel, dash, label, symbol, words

_REPLICATES = Entry("single replicates", symbol="circle")


def sweep(results: Results, part: int) -> Interactive | None:
    """The interactive form of `figures.draw_sweep`: part number `part` of its figures."""
    layouts = {view.name: layout(results, view) for view in results.sweep}
    mains = {layouts[view.name].main for view in results.sweep if view.swept}
    if not mains:
        return _side_by_side(results)
    if len(mains) == 1 and None not in mains:
        if sum(len(layouts[view.name].lines) for view in results.sweep) <= TOGETHER:
            return _shared(results, layouts)
    elif all(len(found.lines) <= 1 for found in layouts.values()) and len(results.sweep) <= TOGETHER:
        return _by_number(results)
    return _by_view(results, layouts, part)


def _panel(results: Results, metric: str, title: str, lines: Sequence[Line], x: Mapping[str, Any], *, joined: bool) -> Panel:
    y = value_axis(results, metric)
    bottom = 10 ** y["range"][0] if logarithmic(results, metric) else -np.inf
    found = [trace for line in lines for trace in traces(results, metric, line, bottom, joined=joined)]
    return Panel(title, tuple(found), x, y)


def _side_by_side(results: Results) -> Interactive:
    """Views that sweep nothing: a place on the axis for each view and point."""
    columns = [(at, view, n) for at, view in enumerate(results.sweep) for n, point in enumerate(view.points) if point]
    legend = (*(_entry(results, view, at) for at, view in enumerate(results.sweep)), _REPLICATES)
    names = [words(label(results, view.name)) + (f"<br>point {n}" if len(view.points) > 1 else "") for _, view, n in columns]
    x = {"range": [-0.6, len(columns) - 0.4], "tickvals": list(range(len(columns))), "ticktext": names, "zeroline": False}
    lines = [
        Line(view, (n,), np.array([float(place)]), (at, len(legend) - 1), style.colour(at), dash(at), symbol(at))
        for place, (at, view, n) in enumerate(columns)
    ]
    return Interactive(tuple(_panel(results, metric, "", lines, x, joined=False) for metric in metrics(results)), legend)


def _shared(results: Results, layouts: Mapping[str, Layout]) -> Interactive:
    """All views in one panel for each metric, along the hyperparameter that they share."""
    main = next(found.main for found in layouts.values() if found.main is not None)
    along = axis(results, main, results.sweep)
    # A view that does not sweep it has the value of its points' partners in the other views.
    partner = {n: point[main] for view in results.sweep if main in view.swept for n, point in enumerate(view.points) if point}
    found: list[tuple[SweepView, tuple[int, ...], list[float], str]] = []
    for view in results.sweep:
        for line in layouts[view.name].lines:
            place = {
                n: along.at(view.points[n][main] if main in view.swept else partner[n]) for n in line.numbers if n in partner
            }
            known = tuple(place) if view.swept else tuple(sorted(place, key=lambda n: place[n]))
            held = text_of(line.held)
            name = held if len(results.sweep) == 1 and held else ", ".join(filter(None, (label(results, view.name), held)))
            found.append((view, known, [place[n] for n in known], name))
    count = len(found)
    lines, legend = [], []
    for at, (view, known, places, name) in enumerate(found):
        x = np.array(places) + (0 if along.joined else (at - (count - 1) / 2) * 0.5 / max(2, count))
        lines.append(Line(view, known, x, (at, count), style.colour(at), dash(at), symbol(at)))
        legend.append(Entry(name, style.colour(at), dash(at) if along.joined else "", symbol(at)))
    panels = [_panel(results, metric, "", lines, swept_axis(along), joined=along.joined) for metric in metrics(results)]
    return Interactive(tuple(panels), (*legend, _REPLICATES))


def _by_number(results: Results) -> Interactive:
    """All views in one panel for each metric, along the number of the point."""
    known = sorted({number for view in results.sweep for number, point in enumerate(view.points) if point})
    count = len(results.sweep)
    lines = []
    for at, view in enumerate(results.sweep):
        own = tuple(number for number in known if view.points[number])
        x = np.array(own, dtype=np.float64) + (at - (count - 1) / 2) * 0.3 / max(2, count)
        lines.append(Line(view, own, x, (at, count), style.colour(at), dash(at), symbol(at)))
    panels = [_panel(results, metric, "", lines, _numbered(known[0], known[-1]), joined=False) for metric in metrics(results)]
    legend = (*(_entry(results, view, at) for at, view in enumerate(results.sweep)), _REPLICATES)
    return Interactive(tuple(panels), legend, "The hyperparameters of a point stand in its text.")


def _by_view(results: Results, layouts: Mapping[str, Layout], part: int) -> Interactive | None:
    """A panel for each view and metric, each along its own main hyperparameter."""
    parts = -(-len(results.sweep) // COLUMNS)
    ends = [round(place * len(results.sweep) / parts) for place in range(parts + 1)]
    blocks = [results.sweep[start:end] for start, end in pairwise(ends)]
    if part >= len(blocks):
        return None
    legend: list[Entry] = []
    drawn: list[tuple[SweepView, Axis | None, list[Line]]] = []
    for view in blocks[part]:
        main = layouts[view.name].main
        along = axis(results, main, [view]) if main is not None else None
        drawn.append((view, along, _lines(results, view, layouts[view.name], along, legend)))
    legend.append(_REPLICATES)
    panels = []
    for metric in metrics(results):
        for view, along, lines in drawn:
            own = [replace(line, groups=(*line.groups, len(legend) - 1)) for line in lines]
            x = swept_axis(along) if along else _numbered(0, len(view.points) - 1)
            panels.append(_panel(results, metric, label(results, view.name), own, x, joined=along is not None and along.joined))
    return Interactive(tuple(panels), tuple(legend))


def _lines(results: Results, view: SweepView, found: Layout, along: Axis | None, legend: list[Entry]) -> list[Line]:
    """The lines of one view, and their entries added to the legend; shades where the other hyperparameter has an order."""
    chosen = thinned(found.lines)
    space = results.study.views[view.name].space.root
    ordered = any(
        len({line.held[name] for line in chosen}) > 2 and rank(space[name]) < 2 for line in chosen[:1] for name in line.held
    )
    colours = shades(len(chosen)) if ordered else [style.colour(at) for at in range(len(chosen))]
    lines = []
    for at, line in enumerate(chosen):
        if along is None or found.main is None:
            x = np.array(line.numbers, dtype=np.float64)
        else:
            x = np.array([along.at(view.points[number][found.main]) for number in line.numbers])
            x = x + (0 if along.joined else (at - (len(chosen) - 1) / 2) * 0.5 / max(2, len(chosen)))
        entry = Entry(text_of(line.held) or label(results, view.name), colours[at], dash(at), symbol(at))
        if entry not in legend:
            legend.append(entry)
        lines.append(Line(view, line.numbers, x, (legend.index(entry),), colours[at], dash(at), symbol(at)))
    return lines


def _numbered(first: int, last: int) -> dict[str, Any]:
    return {"title": {"text": "point"}, "range": [first - 0.5, last + 0.5], "tickformat": "d", "zeroline": False}


def _entry(results: Results, view: SweepView, at: int) -> Entry:
    return Entry(label(results, view.name), style.colour(at), "", symbol(at))
