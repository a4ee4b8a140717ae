"""What the study found, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import claims, endpoints, sweeps, wording
from hpstudy.report.charts import confirmed
from hpstudy.report.model import Block, Paragraph, Section
from hpstudy.report.overview import many_comparisons


def chapter(results: Results) -> Iterator[Section]:
    """The answer to every declared endpoint, or to every comparison, with the evidence behind it; then the verdicts on claims."""
    blocks: list[Block] = [Paragraph(sentence, strong=True)] if (sentence := wording.broken_seals(results)) else []
    for headline, evidence in _answers(results):
        blocks.append(Paragraph(headline, strong=True))
        if evidence:
            blocks.append(Paragraph(evidence))
    if any(curve.complete.any() for curve in results.confirmed):
        blocks.append(confirmed.chart(results))
    if results.declared_first:
        blocks.append(Paragraph(endpoints.first_replicates(results)))
    yield Section("Answer", tuple(blocks))


def _answers(results: Results) -> Iterator[tuple[str, str]]:
    """Sentences with what stands behind them: comparisons or views, and claims."""
    told = [(claims.sentence(results, result), "") for result in results.criteria]
    if results.sweep:
        yield from told
        yield from ((sweeps.best_sentence(results, view), sweeps.evidence(results, view)) for view in results.sweep)
        return
    if results.declared:
        yield from endpoints.answers(results)
    elif len(results.views) == 1:
        yield wording.comparisons(results), ""
    elif many_comparisons(results):
        yield wording.counted(results), wording.counted_evidence(results)
    else:
        yield from ((wording.needs(results, pair), " ".join(wording.evidence(results, pair))) for pair in results.pairs)
    yield from told
