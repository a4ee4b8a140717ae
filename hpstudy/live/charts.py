"""The answer so far, the charts and the failures of a study: the quick analysis of the report, and the report's own charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpstudy.analysis import analyse
from hpstudy.analysis.exploration.searches import searched
from hpstudy.analysis.results import Results
from hpstudy.live.feed import Part, Reading
from hpstudy.live.markup import table, trial_button
from hpstudy.live.thin import thinned
from hpstudy.report import headline, numbers, style, wording
from hpstudy.report.chapters import sweep
from hpstudy.report.chapters.searched import DETAILED
from hpstudy.report.charts import best_so_far, confirmed, parallel
from hpstudy.report.charts.model import Chart
from hpstudy.report.interactive import legend_and_places, text
from hpstudy.report.labels import cut
from hpstudy.report.pens import plotly
from hpstudy.store import Reader
from hpstudy.study.plan import SearchKey

MOST_FAILURES = 20
"""Kinds of failure that are listed, the most frequent ones."""

LONGEST_ERROR = 160
"""Letters of an error message in the list; the trial has all of it."""


@dataclass(frozen=True)
class _Once:
    """A reader whose trials are read once for several analyses."""

    reader: Reader
    table: Any

    def trials(self) -> Any:
        return self.table

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reader, name)


def read(path: Path) -> Reading:
    """The parts `answer` and `failures`, and one for each chart: `curves-0`, ... and `parallel-0`, ..."""
    with Reader.open(path) as reader, reader.snapshot():
        trials = reader.trials()
        results = analyse(_Once(reader, trials))
        looked = searched(trials, results.study, explained=False)
    parts = {"answer": Part.of({"html": _answer(results)}), "failures": Part.of({"html": _failures(results)})}
    with style.applied():
        for number, chart in enumerate(_curves(results)):
            parts[f"curves-{number}"] = Part.of(
                figure(chart, f"curves-{number}", () if results.sweep else tuple(results.study.views))
            )
        for number, view in enumerate(looked[:DETAILED]):
            chart = parallel.chart(results, view, f"parallel-{number}")
            parts[f"parallel-{number}"] = Part.of(figure(chart, f"parallel-{number}", (view.name,) * len(chart.legend)))
    return Reading(parts)


def figure(chart: Chart, name: str, views: Sequence[str] = ()) -> dict[str, Any]:
    """A chart for a page: `frame` (HTML with the legend and the places of the panels), `caption` (HTML), `panels` and `views`.

    Args:
        chart: of the report.
        name: the id of its element.
        views: of the trials behind its points, by the first legend entry of their mark; () where points are no trials.
    """
    drawn = thinned(chart)
    notes = [note for note in (chart.page_note, "A click on a point opens its trial." if views else "") if note]
    unchanging = replace(
        drawn, caption=drawn.name.replace("_", " ")
    )  # captions have numbers in them; a new frame would undo a zoom
    return {
        "frame": legend_and_places(unchanging, name),
        "caption": f"<b>{text(chart.caption)}</b> {text(' '.join([chart.reading, *notes]))}",
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


def _answer(results: Results) -> str:
    """What the study has found so far. Before it is complete there are estimates and no verdict, as in the report."""
    provisional = f'<p class="note">{text(wording.provisional(results))}</p>\n' if results.provisional else ""
    return f'<p class="answer">{text(headline(results))}</p>\n{provisional}'


def _failures(results: Results) -> str:
    """The ways in which trials ended without a value, each with the first such trial."""
    rows = [
        (
            text(failure.view),
            text(failure.state.replace("_", " ")),
            text(": ".join(part for part in (failure.error_type, cut(failure.error, LONGEST_ERROR)) if part) or numbers.MISSING),
            numbers.count(failure.trials),
            numbers.count(failure.replicate),
            trial_button(SearchKey(failure.view, failure.replicate), failure.number),
        )
        for failure in results.failures[:MOST_FAILURES]
    ]
    if not rows:
        return '<p class="empty">No trial has ended without a value.</p>\n'
    rest = len(results.failures) - len(rows)
    note = f'<p class="note">{rest:,} rarer kinds are not listed.</p>\n' if rest else ""
    head = ("view", "end", "error", "trials", "replicate", "first trial")
    return table("Trials that ended without a value", head, rows, left=3) + note
