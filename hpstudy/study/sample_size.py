"""Whether a study has enough replicates to show any difference between its views."""

from __future__ import annotations

from itertools import count

from hpstudy.study.schema import Study


def fewest_replicates(study: Study) -> int:
    """The fewest replicates that can show a difference in trials-to-target between two views of a study.

    The smallest p of a two-sided sign-flip test of n pairs is 2^(1 - n). Holm's correction multiplies it by the number of comparisons.
    Declared endpoints have t tests, which have no smallest p: they need 2 replicates.

    Args:
        study: resolved.
    """
    if study.analysis.endpoints:
        return 2
    alpha = 1 - study.analysis.confidence
    return next(n for n in count(2) if len(study.analysis.compare) * 2.0 ** (1 - n) < alpha)


def too_few_replicates(study: Study) -> str:
    """Return a note on a study that has too few replicates to show a difference; "" if it has enough, or compares no views."""
    fewest = fewest_replicates(study)
    if study.replicates >= fewest or not study.analysis.compare:
        return ""
    return f"note: no difference between views can be significant with replicates: {study.replicates}; use {fewest} or more"
