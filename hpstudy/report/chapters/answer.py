"""What the study found, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import claims, sweeps, wording
from hpstudy.report.model import Block, Paragraph, Section
from hpstudy.report.overview import many_comparisons


def chapter(results: Results) -> Iterator[Section]:
    """Every comparison's answer with the evidence behind it, or the count of many; then the verdicts on the study's claims."""
    blocks: list[Block] = []
    for headline, evidence in _answers(results):
        blocks.append(Paragraph(headline, strong=True))
        if evidence:
            blocks.append(Paragraph(evidence))
    yield Section("Answer", tuple(blocks))
    if (table := claims.table(results)) is not None:
        yield Section("Claims", (table,))


def _answers(results: Results) -> Iterator[tuple[str, str]]:
    """Sentences with what stands behind them: comparisons or views, and claims."""
    told = [(claims.sentence(result), "") for result in results.criteria]
    if results.sweep:
        yield from told
        yield from ((sweeps.best_sentence(results, view), sweeps.evidence(results, view)) for view in results.sweep)
        return
    if len(results.views) == 1:
        yield wording.comparisons(results), ""
    elif many_comparisons(results):
        yield wording.counted(results), wording.counted_evidence(results)
    else:
        yield from ((wording.needs(results, pair), " ".join(wording.evidence(results, pair))) for pair in results.pairs)
    yield from told
