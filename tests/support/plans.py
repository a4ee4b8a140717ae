"""The planned trials of studies, and of confirmations with given trials."""

from collections.abc import Sequence

from hpstudy.store import TrialRow, planned_counts
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study


def planned_trials(study: Study) -> dict[SearchKey, int]:
    """The number of trials of every search of a study without trials, in run order."""
    return {key: counts.planned for key, counts in planned_counts(study).items()}


def planned_confirmations(
    study: Study, searched: str, search: Sequence[Sequence[TrialRow]], stored: Sequence[Sequence[TrialRow]]
) -> list[tuple[int, int]]:
    """The number of known and of expected trials of the confirmation of each replicate of an arm.

    Args:
        study: the study; it gets one replicate for each search.
        searched: the arm whose trials are confirmed.
        search: trials of its searches.
        stored: stored trials of their confirmations.
    """
    histories = {SearchKey(searched, replicate): rows for replicate, rows in enumerate(search)}
    histories |= {SearchKey(f"{searched}/confirm", replicate): rows for replicate, rows in enumerate(stored)}
    study = study.model_copy(update={"replicates": len(search)})
    counts = planned_counts(study, lambda key: histories.get(key, ()))
    confirmations = [counts[SearchKey(f"{searched}/confirm", replicate)] for replicate in range(len(search))]
    return [(each.planned - each.estimated, each.estimated) for each in confirmations]
