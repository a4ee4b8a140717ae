"""Joint comparison of three or more views: critical-difference diagram of the ranks, and performance profiles of trials-to-target."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.cross_study import Several
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.critical_difference import PERMUTED_UP_TO, MeanRanks
from hpstudy.report import numbers
from hpstudy.report.charts import critical_difference as diagram
from hpstudy.report.charts import performance_profile as profiles
from hpstudy.report.charts.model import Data
from hpstudy.report.charts.words import confidence, label
from hpstudy.report.csvs import Row
from hpstudy.report.model import Block, Paragraph, Section


def chapter(results: Results) -> Iterator[Section]:
    """Ranks and profiles over replicates; empty with fewer than three views, or if neither can be computed."""
    if (ranking := results.ranking) is None or not (ranking.ranks or ranking.profile):
        return
    blocks: list[Block] = []
    if ranking.ranks is not None:
        data, what = Data.of(results, mean_ranks_of_views), f"final best {results.study.metric.name}"
        blocks += friedman(ranking.ranks, what, "replicates", confidence(results), data, judged=not results.provisional)
    if ranking.profile is not None:
        names = [label(results, view) for view in ranking.profile.names]
        blocks.append(profiles.chart(ranking.profile, names, "replicates", Data.of(results, profiles.performance_profiles)))
    scope = (
        "Ranks and shares are over replicates of one task, on observed values. They generalize to other seeds on this task, not to other "
        "tasks."
    )
    yield Section("Ranks of the views", (*blocks, Paragraph(scope)))


def friedman(ranks: MeanRanks, what: str, blocks: str, level: str, data: tuple[Data, ...], *, judged: bool) -> Iterator[Block]:
    """The result of Friedman's test, and the diagram if views differ.

    Args:
        ranks: the ranks.
        what: the ranked quantity.
        blocks: name of the blocks, in the plural.
        level: level of the critical difference, "95%".
        data: the CSV file of the diagram.
        judged: whether to state a verdict.
    """
    opening = f"Mean ranks of the {what} over {ranks.blocks} {blocks}, {len(ranks.names)} views in each"
    form = "by permutation" if ranks.blocks <= PERMUTED_UP_TO else "in Iman and Davenport's form"
    test = f"Friedman's test {form}: p {numbers.p_value(ranks.p)}"
    ranked = list(zip(ranks.names, ranks.ranks.tolist(), strict=True))
    if not judged:
        yield Paragraph(f"{opening}: not judged before the study is complete.")
    elif not ranks.differs:
        listed = ", ".join(f"{name} {numbers.metric(rank, 2)}" for name, rank in ranked)
        yield Paragraph(f"{opening}: no difference shown ({test}; {listed}).")
    else:
        (best, first), *others = ranked
        beaten = [name for name, rank in others if rank - first >= ranks.critical_difference]
        pairs = f"{best} ranks better than {', '.join(beaten)}" if beaten else "no single pair is shown to differ"
        yield Paragraph(f"{opening}: the views differ ({test}); by Nemenyi's critical difference {pairs}.")
        yield diagram.chart(ranks, blocks, level, data)


def mean_ranks_of_views(source: Results | Several) -> Iterator[Row]:
    """The mean rank of each view over replicates or studies, with Friedman's p and the critical difference."""
    yield "view", "mean_rank", "replicates" if isinstance(source, Results) else "studies", "friedman_p", "critical_difference"
    if source.ranking is None or (ranks := source.ranking.ranks) is None:
        return
    for name, rank in zip(ranks.names, ranks.ranks.tolist(), strict=True):
        yield name, rank, ranks.blocks, ranks.p, ranks.critical_difference


TABLES = (mean_ranks_of_views, profiles.performance_profiles)
