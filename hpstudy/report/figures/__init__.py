"""The figures of a report: one file for each kind. A drawing function takes an Axes and returns it; the functions here lay out figures.

Call them within `style.applied()`.
"""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from hpstudy.analysis.results import Results
from hpstudy.report import overview, style
from hpstudy.report.figures import finals, forest, heat, panels, survival
from hpstudy.report.labels import label
from hpstudy.report.model import Drawing, drawn


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


def draw_heat(results: Results) -> Iterator[Drawing]:
    """The metric over two swept values; none where no view sweeps two."""
    if any(view.completeness.completed for view in results.views) and heat.views(results):
        name, figure, caption, reading = heat.figure(results)
        yield drawn(name, figure, caption, reading, ("sweep_means",))
