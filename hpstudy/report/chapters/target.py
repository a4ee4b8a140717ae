"""Trials-to-target."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import tables, wording
from hpstudy.report.charts import trials_to_target
from hpstudy.report.model import Block, Facts, Section
from hpstudy.report.overview import many_comparisons

TABLES = {"trials_to_target": trials_to_target.trials_to_target}


def chapter(results: Results) -> Iterator[Section]:
    """When searches reach the target, and how far the views lie apart; many comparisons in words."""
    if (reached := tables.trials_to_target(results)) is not None:
        blocks: list[Block] = [reached]
        if results.has_values and any(view.trials for view in results.views):
            blocks.insert(0, trials_to_target.chart(results))
        blocks += [table for table in (tables.trials_differences(results), tables.distances(results)) if table is not None]
        yield Section("Trials-to-target", tuple(blocks))
    if many_comparisons(results):
        told = (
            (f"{pair.a} − {pair.b}", " ".join((wording.needs(results, pair), *wording.evidence(results, pair))))
            for pair in results.pairs
        )
        yield Section("Every comparison in words", (Facts(tuple(told)),))
