"""The answer of a study in one or two sentences."""

from __future__ import annotations

from hpstudy.analysis.results import Results
from hpstudy.report import claims, endpoint_answers, sweeps, wording


def headline(results: Results) -> str:
    """What a study found, and the verdicts on its claims.

    The primary endpoints; without declared endpoints trials to the target of each comparison, many counted; the best point of each view of
    a sweep.
    """
    if results.sweep:
        answer = sweeps.headline(results)
    elif results.declared:
        answer = endpoint_answers.headline(results)
    else:
        answer = wording.comparisons(results)
    return f"{answer} {claims.counted(results)}".strip()
