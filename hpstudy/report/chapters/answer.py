"""The main results of a study, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.report import claims, endpoint_answers, endpoints, sweeps, wording
from hpstudy.report.charts import confirmed
from hpstudy.report.model import Block, Paragraph, Section
from hpstudy.report.overview import many_comparisons


def chapter(results: Results) -> Iterator[Section]:
    """The verdicts on claims, then the answer for every declared endpoint, or for every comparison, with its evidence."""
    blocks: list[Block] = [Paragraph(sentence, strong=True)] if (sentence := wording.broken_seals(results)) else []
    blocks += [Paragraph(claims.sentence(results, result), strong=True) for result in results.criteria]
    if text := endpoints.definitions(results):
        blocks.append(Paragraph(text))
    blocks += _paragraphs(endpoint_answers.answers(results, primary=True))
    if any(curve.complete.any() for curve in results.confirmed):
        blocks.append(confirmed.chart(results))
    blocks += _paragraphs(_answers(results))
    if results.declared_first:
        blocks.append(Paragraph(endpoint_answers.first_replicates(results)))
    yield Section("Answer", tuple(blocks))


def _paragraphs(answers: Iterator[tuple[str, str]]) -> Iterator[Paragraph]:
    for headline, evidence in answers:
        yield Paragraph(headline, strong=True)
        if evidence:
            yield Paragraph(evidence)


def _answers(results: Results) -> Iterator[tuple[str, str]]:
    """Sentences with their evidence: other endpoints, comparisons or views."""
    if results.sweep:
        yield from ((sweeps.best_sentence(results, view), sweeps.evidence(results, view)) for view in results.sweep)
    elif results.declared:
        yield from endpoint_answers.answers(results, primary=False)
    elif len(results.views) == 1:
        yield wording.comparisons(results), ""
    elif many_comparisons(results):
        yield wording.counted(results), wording.counted_evidence(results)
    else:
        yield from ((wording.needs(results, pair), " ".join(wording.evidence(results, pair))) for pair in results.pairs)
