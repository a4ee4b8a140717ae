"""The figures of a report: one file for each kind. A drawing function takes an Axes and returns it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from hpstudy.analysis.results import Results
from hpstudy.report import style
from hpstudy.report.figures import difference, finals, heat, learning, progress, survival
from hpstudy.report.figures import sweep as swept_values
from hpstudy.report.labels import label

PANELS = 6
"""Comparisons in one figure: more would not fit on a page."""


@dataclass(frozen=True)
class Drawn:
    """A figure and its words.

    Attributes:
        name: of the figure, also its file name.
        figure: the drawing.
        caption: what it shows.
        reading: one sentence on how to read it.
        section: of the report: searches, target or budgets; sweep or learning.
        data: names of the CSV files behind it, without their ending.
    """

    name: str
    figure: Figure
    caption: str
    reading: str
    section: str
    data: tuple[str, ...]


def draw(results: Results) -> Iterator[Drawn]:
    """Draw every figure that the results have data for, in the order of the report. Call it within `style.applied()`."""
    if results.sweep:
        yield from _sweep(results)
        yield from _heat(results)
        yield from _learning(results)
    elif any(view.completeness.finished for view in results.views) and results.worst == results.worst:
        yield _progress(results)
        yield from _differences(results)
        if any(view.trials for view in results.views):
            yield _survival(results)
        yield _finals(results)


def _progress(results: Results) -> Drawn:
    figure = Figure(figsize=(style.WIDTH, 3.3), layout="constrained")
    progress.best_so_far(figure.add_subplot(), results)
    return Drawn("best_so_far", figure, *progress.words(results), "searches", ("best_so_far", "mean_curves"))


def _differences(results: Results) -> Iterator[Drawn]:
    pairs = [pair for pair in results.pairs if pair.curve is not None]
    for start in range(0, len(pairs), PANELS):
        shown = pairs[start : start + PANELS]
        columns = min(len(shown), 2)
        rows = -(-len(shown) // columns)
        figure = Figure(figsize=(style.WIDTH, 2.6 if columns == 1 else 2.3 * rows), layout="constrained")
        panels = [figure.add_subplot(rows, columns, place + 1) for place in range(len(shown))]
        for axes, pair in zip(panels, shown, strict=True):
            difference.paired_difference(axes, results, pair)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
        part = f"_{start // PANELS + 1}" if len(pairs) > PANELS else ""
        yield Drawn(f"difference{part}", figure, *difference.words(results, shown), "searches", ("differences",))


def _survival(results: Results) -> Drawn:
    # Two axes that share their width are placed by hand, in inches: rows of numbers below, curves above.
    rows, columns = len(results.views), style.legend_columns([label(results, view.name) for view in results.views])
    table, legend, left, curves = 0.16 * rows, 0.05 + 0.17 * -(-rows // columns), 1.1, 2.1
    height = 0.05 + table + 0.65 + curves + legend
    figure = Figure(figsize=(style.WIDTH, height))
    width = (style.WIDTH - left - 0.1) / style.WIDTH
    upper = figure.add_axes((left / style.WIDTH, (0.7 + table) / height, width, curves / height))
    lower = figure.add_axes((left / style.WIDTH, 0.05 / height, width, table / height))
    survival.not_reached(upper, results)
    survival.at_risk(lower, results)
    return Drawn("trials_to_target", figure, *survival.words(results), "target", ("trials_to_target", "searches"))


def _finals(results: Results) -> Drawn:
    figure = Figure(figsize=(style.WIDTH, 2.8), layout="constrained")
    finals.by_budget(figure.add_subplot(), results)
    return Drawn("budgets", figure, *finals.words(results), "budgets", ("budget_values", "budgets"))


def _sweep(results: Results) -> Iterator[Drawn]:
    if any(view.completeness.completed for view in results.views):
        for name, figure, caption, reading in swept_values.figures(results):
            yield Drawn(name, figure, caption, reading, "sweep", ("sweep_values", "sweep_means"))


def _heat(results: Results) -> Iterator[Drawn]:
    if any(view.completeness.completed for view in results.views) and heat.views(results):
        name, figure, caption, reading = heat.figure(results)
        yield Drawn(name, figure, caption, reading, "sweep", ("sweep_means",))


def _learning(results: Results) -> Iterator[Drawn]:
    for name, figure, caption, reading in learning.figures(results):
        yield Drawn(name, figure, caption, reading, "learning", ("learning_curves",))


DRAWINGS: dict[str, Callable[[Results], Iterator[Drawn]]] = {
    "best_so_far": lambda results: iter((_progress(results),)),
    "difference": _differences,
    "trials_to_target": lambda results: iter((_survival(results),)),
    "budgets": lambda results: iter((_finals(results),)),
    "sweep": _sweep,
    "heat_map": _heat,
    "learning_curves": _learning,
}
"""Figures by name, for saving one by itself."""
