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


def training_seed(study: Study, replicate: int, number: int, seed_number: int | None = None) -> int:
    """The seed of a trial's training, in [0, 2**seed_bits). It does not depend on the view, so views are compared on common random numbers.

    In a sweep it does not depend on the point either, so points are also compared on common random numbers. In a search it does, because a
    search with the same seed at every point would tune for that seed.

    Args:
        study: the study.
        replicate: replicate of the trial's search.
        number: number of the trial.
        seed_number: number of the fresh seed of a confirmation. No search has used it. Points share it, so that they are compared on common
            random numbers: all points of a replicate if all incumbents are confirmed, so that replicates stay independent; otherwise all
            points of the study.
    """
    names: tuple[str | int, ...]
    if seed_number is None:
        names = ("train", replicate) if is_sweep(study) else ("train", replicate, number)
    elif study.confirm is not None and study.confirm.incumbents:
        names = ("confirm", replicate, seed_number)
    else:
        names = ("confirm", seed_number)
    return derive_seed(study.seed, *names) % (1 << (study.seed_bits or 63))
