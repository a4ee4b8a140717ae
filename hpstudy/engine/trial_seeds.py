"""The seeds of a study's searches and trainings, all derived from its root seed."""

from __future__ import annotations

from hpstudy.loading.make import is_sweep
from hpstudy.plugins import is_plugin
from hpstudy.seeds import derive_seed
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study


def search_seed(study: Study, search: SearchKey) -> int:
    """The seed of a search's points, in [0, 2**search_seed_bits). For a user's additional searcher it has 31 bits unless stated."""
    other = arms(study)[search.view].searcher
    bits = study.search_seed_bits or (31 if other is not None and is_plugin(other) else 63)
    return derive_seed(study.seed, "search", search.view, search.replicate) % (1 << bits)


def train_seed(study: Study, replicate: int, number: int) -> int:
    """The seed of a trial's training. It does not depend on the view, so views are compared on common random numbers.

    In a sweep it does not depend on the point either, so points are also compared on common random numbers. In a search it does, because a
    search with the same seed at every point would tune for that seed.
    """
    if is_sweep(study):
        return _training_seed(study, "train", replicate)
    return _training_seed(study, "train", replicate, number)


def fresh_seed(study: Study, replicate: int, number: int) -> int:
    """A training seed that no search has used.

    Points share it, so that they are compared on common random numbers. If all incumbents are confirmed, all points of a replicate share
    it, so that replicates stay independent. Otherwise all points of the study share it.
    """
    if study.confirm is not None and study.confirm.incumbents:
        return _training_seed(study, "confirm", replicate, number)
    return _training_seed(study, "confirm", number)


def _training_seed(study: Study, *names: str | int) -> int:
    """The seed derived from `names`, in [0, 2**seed_bits)."""
    return derive_seed(study.seed, *names) % (1 << (study.seed_bits or 63))


def training_seed(study: Study, replicate: int, number: int, seed_number: int | None) -> int:
    """The training seed of any trial; a fresh one for a confirmation (a trial with a `seed_number`)."""
    return train_seed(study, replicate, number) if seed_number is None else fresh_seed(study, replicate, seed_number)
