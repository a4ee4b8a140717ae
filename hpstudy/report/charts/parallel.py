"""Parallel coordinates: each trial is a line across all hyperparameters to its objective."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.exploration.searches import SearchedView
from hpstudy.analysis.results import Results
from hpstudy.report import numbers, style
from hpstudy.report.charts.intervals import bars
from hpstudy.report.charts.marks import Dots, Hover, Labels, Line, Mark, Marker, Media
from hpstudy.report.charts.model import Axis, Chart, Data, Entry, Panel
from hpstudy.report.charts.searched import VECTOR_UP_TO, limits, note, parameters, searched_trials, shares
from hpstudy.report.charts.unit_axis import round_values, short, spread, ticks
from hpstudy.report.charts.views import index_of
from hpstudy.report.charts.words import metric, position
from hpstudy.report.labels import cut

ABSENT = -0.14
"""Height at which a line crosses the axis of an absent hyperparameter."""

BEST_SHARE = 0.1
"""Share of the trials that are highlighted."""

INK = style.gray(0.25)
"""Color of the vertical axes."""


def best(view: SearchedView, goal: str) -> Ints:
    """Rows of the best `BEST_SHARE` of the trials, at least one, the best one last."""
    gain = view.objective if goal == "maximize" else -view.objective
    count = int(np.ceil(BEST_SHARE * len(gain)))
    return np.asarray(np.argsort(-gain, kind="stable")[:count][::-1], dtype=np.int64)


def chart(results: Results, view: SearchedView, name: str) -> Chart:
    """A vertical axis for each hyperparameter and one for the objective."""
    goal, color, count = results.study.metric.goal, style.color(index_of(results, view.name)), len(view.hyperparameters)
    low, high = limits(view.objective, goal)
    listed, number = parameters(results, view), view.replicate * 7 + view.number
    columns = [spread(parameter, view.unit[:, column], number) for column, parameter in enumerate(listed)]
    columns.append(np.clip((view.objective - low) / (high - low), 0, 1))
    heights, chosen = np.stack(columns, axis=1), best(view, goal)  # (trials x axes) in [0, 1]; (best trials,) rows
    heights, absent = np.where(np.isnan(heights), ABSENT, heights), np.isnan(heights).any(axis=0)
    rest = np.setdiff1d(np.arange(len(heights)), chosen)
    marks: list[Mark] = []
    for group, (rows, ink, width, alpha) in enumerate(
        (
            (rest, style.gray(0.55), 0.4, max(0.05, min(0.5, 120 / len(heights)))),
            (chosen, color, 0.9, max(0.15, min(0.9, 30 / len(chosen)))),
        )
    ):
        looks = (group, ink, width, alpha)
        marks += [_lines(results, view, heights, subset, media, looks) for subset, media in shares(rows)]
    marks += _axes([*(ticks(parameter, 5) for parameter in listed), _round(low, high)])
    below = np.flatnonzero(absent).astype(np.float64)
    if len(below):
        marks.append(
            Labels(x=below - 0.05, y=below * 0 + ABSENT, texts=("absent",) * len(below), size=6, align="right", boxed=True)
        )
    names = [cut(name, 14) for name in view.hyperparameters] + [metric(results, 14)]
    crowded = max(map(len, names)) * 0.062 > style.WIDTH / (count + 1)
    at = np.arange(count + 1, dtype=np.float64)
    above = 1.06 + (0.09 * (at % 2) if crowded else 0 * at)
    marks.append(Labels(x=at, y=above, texts=tuple(names), anchor="bottom"))
    across = Axis("", (-0.35, count + 0.35), ticks="none", line=False)
    upwards = Axis("", (ABSENT - 0.05 if len(below) else -0.05, 1.2 if crowded else 1.12), ticks="none", line=False)
    share = f"{BEST_SHARE:.0%}"
    return Chart(
        name,
        (Panel(across, upwards, tuple(marks)),),
        f"{view.name}: All trials over all hyperparameters; the best {share} are colored.",
        "A line is a trial. Where colored lines meet at one height, good trials share a value, possibly because the searches tried few "
        "others.",
        Data.of(results, searched_trials),
        2.6,
        legend=(
            Entry("other trials", style.gray(0.55), "solid", media="page"),
            Entry(f"the best {share}", color, "solid", media="page"),
        ),
        page_note=note(view),
        page_only=True,
    )


def _lines(
    results: Results, view: SearchedView, heights: Floats, rows: Ints, media: Media, looks: tuple[int, str, float, float]
) -> Line:
    """The rows as lines from axis to axis; `looks` are legend entry, color, width and alpha."""
    group, color, width, alpha = looks
    y = np.column_stack([heights[rows], np.full(len(rows), np.nan)])
    x = np.broadcast_to(np.arange(y.shape[1], dtype=np.float64), y.shape)
    hover = None
    if media != "print":
        texts = []
        for row in rows.tolist():
            trial = f"replicate {view.replicate[row]}, {position(int(view.number[row]))}\n"
            trial += f"{results.study.metric.name} {numbers.general(float(view.objective[row]), 6)}"
            texts += [f"{trial}\n{name} {numbers.hyperparameter(values[row])}" for name, values in view.values.items()]
            texts += [trial, ""]
        hover = Hover(tuple(texts[:-1]))
    return Line(
        x=x.ravel()[:-1],
        y=y.ravel()[:-1],
        color=color,
        width=width,
        alpha=alpha,
        raster=len(heights) > VECTOR_UP_TO / 4,
        media=media,
        groups=(group,),
        hover=hover,
    )


def _axes(marked: list[tuple[list[float], list[str]]]) -> Iterator[Mark]:
    """Vertical axes from 0 to 1 with their ticks."""
    at = np.array([axis for axis, (positions, _) in enumerate(marked) for _ in positions], dtype=np.float64)
    heights = np.array([position for positions, _ in marked for position in positions], dtype=np.float64)
    positions = np.arange(len(marked), dtype=np.float64)
    yield bars(positions, positions, 0 * positions, INK, to=0 * positions + 1, width=0.7)
    yield Dots(x=at, y=heights, color=INK, marker=Marker("tick-across", 4, edge_width=0.7))
    texts = tuple(text for _, own in marked for text in own)
    yield Labels(x=at - 0.05, y=heights, texts=texts, size=6, align="right", boxed=True)


def _round(low: float, high: float) -> tuple[list[float], list[str]]:
    """Positions of round values as fractions of the range, and the values."""
    inside = round_values(low, high, 6)
    return [(value - low) / (high - low) for value in inside], [short(value) for value in inside]
