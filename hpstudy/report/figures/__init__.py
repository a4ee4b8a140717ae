"""The figures of a report: one file for each kind. A drawing function takes an Axes and returns it; the functions here lay out figures.

Call them within `style.applied()`.
"""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from hpstudy.analysis.results import Results
from hpstudy.report import overview, style
from hpstudy.report.figures import difference, finals, forest, heat, learning, panels, progress, survival
from hpstudy.report.figures import sweep as swept_values
from hpstudy.report.labels import label
from hpstudy.report.model import Drawing, drawn

PANELS = 6
"""Comparisons in one figure: more would not fit on a page."""


def draw_progress(results: Results) -> Drawing:
    """Best-so-far curves of all views."""
    if overview.many_views(results):
        figure = panels.panels(results, lambda axes, index: progress.one_view(axes, results, index))
    else:
        figure = Figure(figsize=(style.WIDTH, 3.3), layout="constrained")
        progress.best_so_far(figure.add_subplot(), results)
    return drawn("best_so_far", figure, *progress.words(results), ("best_so_far", "mean_curves"))


def draw_differences(results: Results) -> Iterator[Drawing]:
    """Paired differences of the curves, up to `PANELS` comparisons in a figure."""
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
        yield drawn(f"difference{part}", figure, *difference.words(results, shown), ("differences",))


def draw_overview(results: Results) -> Drawing:
    """All comparisons in one figure."""
    return Drawing("overview", lambda: forest.figure(results), *forest.words(results), ("overview",))


def draw_survival(results: Results) -> Drawing:
    """Searches that have not reached the target; of a few views with the numbers at risk."""
    if overview.many_views(results):
        figure = panels.panels(results, lambda axes, index: survival.one_view(axes, results, index))
        return drawn("trials_to_target", figure, *survival.words(results), ("trials_to_target", "searches"))
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
    return drawn("trials_to_target", figure, *survival.words(results), ("trials_to_target", "searches"))


def draw_finals(results: Results) -> Drawing:
    """The best value of every search at every budget."""
    if overview.many_views(results):
        figure = finals.in_rows(results)
    else:
        figure = Figure(figsize=(style.WIDTH, 2.8), layout="constrained")
        finals.by_budget(figure.add_subplot(), results)
    return drawn("budgets", figure, *finals.words(results), ("budget_values", "budgets"))


def draw_sweep(results: Results) -> Iterator[Drawing]:
    """Metrics over the swept values."""
    if any(view.completeness.completed for view in results.views):
        for name, figure, caption, reading in swept_values.figures(results):
            yield drawn(name, figure, caption, reading, ("sweep_values", "sweep_means"))


def draw_heat(results: Results) -> Iterator[Drawing]:
    """The metric over two swept values; none where no view sweeps two."""
    if any(view.completeness.completed for view in results.views) and heat.views(results):
        name, figure, caption, reading = heat.figure(results)
        yield drawn(name, figure, caption, reading, ("sweep_means",))


def draw_learning(results: Results) -> Iterator[Drawing]:
    """Metrics over the epochs."""
    for name, figure, caption, reading in learning.figures(results):
        yield drawn(name, figure, caption, reading, ("learning_curves",))
