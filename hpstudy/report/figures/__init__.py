"""The figures of a report: one file for each kind. A drawing function takes an Axes and returns it; the functions here lay out figures.

Call them within `style.applied()`.
"""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report.figures import heat
from hpstudy.report.model import Drawing, drawn


def draw_heat(results: Results) -> Iterator[Drawing]:
    """The metric over two swept values; none where no view sweeps two."""
    if any(view.completeness.completed for view in results.views) and heat.views(results):
        name, figure, caption, reading = heat.figure(results)
        yield drawn(name, figure, caption, reading, ("sweep_means",))
