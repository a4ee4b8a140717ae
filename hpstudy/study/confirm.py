"""Confirmation: what the searches of a study chose, and the default points, trained again on fresh seeds.

The score of a search's best trial is optimistic, because the trial was chosen for its score (selection). The same point on seeds that no
search has seen gives an unbiased score, and shows how much of a score is noise of the seed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Retraining:
    """What a listed trial trains again, and on which fresh seed.

    Attributes:
        number: of the trial of the view's search in the same replicate; None for the view's default point.
        seed_number: number of the fresh seed, from 0.
    """

    number: int | None
    seed_number: int

    def __str__(self) -> str:
        return f"{'default point' if self.number is None else f'trial {self.number}'} on fresh seed {self.seed_number}"


def retrainings(seeds: int, replicate: int, incumbents: Iterable[int]) -> list[Retraining]:
    """The trials that are listed for one replicate of a view.

    Seed by seed, so that an interrupted confirmation has all points on some seeds. The fresh seeds are common to all replicates: the
    default point is listed once, in replicate 0.

    Args:
        seeds: how many fresh seeds.
        replicate: of the search.
        incumbents: numbers of the trials that are trained again.
    """
    points = [*([None] if replicate == 0 else []), *incumbents]
    return [Retraining(number, seed) for seed in range(seeds) for number in points]
