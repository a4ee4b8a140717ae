"""The main result of a study in one or two sentences."""

from __future__ import annotations

from hpstudy.analysis.results import Results
from hpstudy.report import claims, endpoint_answers, sweeps, wording


def headline(results: Results) -> str:
    """The main result of a study, and the verdicts on its claims.

    The main result is that of the primary endpoints. Without declared endpoints, it is trials-to-target of each comparison, or counts of
    many comparisons. For a sweep, it is the best point of each view.
    """
    if results.sweep:
        answer = sweeps.headline(results)
    elif results.declared:
        answer = endpoint_answers.headline(results)
    else:
        answer = wording.comparisons(results)
    return f"{answer} {claims.counted(results)}".strip()
