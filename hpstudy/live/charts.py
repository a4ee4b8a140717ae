"""The answer so far, the charts and the failures of a study: an analysis as for the report, and the report's charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpstudy.analysis import analyze
from hpstudy.analysis.exploration.searches import searched
from hpstudy.analysis.results import Results
from hpstudy.live.feed import Part, Reading
from hpstudy.live.markup import PARTS
from hpstudy.live.thin import thinned
from hpstudy.report import headline, style, wording
from hpstudy.report.chapters import sweep
from hpstudy.report.chapters.searched import DETAILED
from hpstudy.report.charts import best_so_far, confirmed, parallel
from hpstudy.report.charts.model import Chart
from hpstudy.report.pens import plotly
from hpstudy.store import Reader

MOST_FAILURES = 20
"""Number of listed kinds of failure, the most frequent first."""


def read(path: Path) -> Reading:
    """Return the parts `answer` and `failures`, and one for each chart: `curves-0`, ... and `parallel-0`, ..."""
    with Reader.open(path) as reader, reader.snapshot():
        trials = reader.trials()
        results = analyze(reader, trials=trials)
        explored = searched(trials, results.study, explained=False)
    answer = PARTS.answer(headline(results), wording.provisional(results) if results.provisional else "")
    failures = PARTS.failures(results.failures[:MOST_FAILURES], len(results.failures[MOST_FAILURES:]))
    parts = {"answer": Part.of({"html": answer}), "failures": Part.of({"html": failures})}
    with style.applied():
        for index, chart in enumerate(_curves(results)):
            name = f"curves-{index}"
            parts[name] = Part.of(figure(chart, name, () if results.sweep else tuple(results.study.views)))
        for index, view in enumerate(explored[:DETAILED]):
            name = f"parallel-{index}"
            chart = parallel.chart(results, view, name)
            parts[name] = Part.of(figure(chart, name, (view.name,) * len(chart.legend)))
    return Reading(parts)


def figure(chart: Chart, name: str, views: Sequence[str] = ()) -> dict[str, Any]:
    """Return a chart for a page: `frame` (HTML of the legend and of the panels' places), `caption` (HTML), `panels` and `views`.

    Args:
        chart: a chart of the report.
        name: ID of the element.
        views: for each legend entry, the view whose trials its points are; empty if points are not trials.
    """
    drawn = thinned(chart)
    notes = [note for note in (chart.page_note, "Click a point to open its trial." if views else "") if note]
    # A caption contains numbers. In the frame it would change with them, and a new frame resets the zoom.
    named = replace(drawn, caption=drawn.name.replace("_", " "))
    return {
        "frame": PARTS.frame(named, name),
        "caption": PARTS.caption(chart, notes),
        "panels": plotly.panels(drawn),
        "views": list(views),
    }


def _curves(results: Results) -> Iterator[Chart]:
    if results.sweep:
        yield from (block for section in sweep.chapter(results) for block in section.blocks if isinstance(block, Chart))
    elif results.has_values:
        yield best_so_far.chart(results)
        if any(curve.complete.any() for curve in results.confirmed):
            yield confirmed.chart(results)
