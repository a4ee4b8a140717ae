"""Confirmation: the best points of the searches and the default points are retrained on fresh seeds.

The score of a search's best trial is optimistic, because the trial was selected by its score. The same point on seeds that no search has
used gives an unbiased score, and shows how much of a score is seed noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Retraining:
    """The trial that a listed trial retrains, and the fresh seed.

    Attributes:
        number: number of a trial of the view's search in the same replicate; None for the view's default point.
        seed_number: number of the fresh seed, from 0.
    """

    number: int | None
    seed_number: int

    def __str__(self) -> str:
        return f"{'default point' if self.number is None else f'trial {self.number}'} on fresh seed {self.seed_number}"


def retrainings(seeds: int, incumbents: Iterable[int], *, default: bool) -> list[Retraining]:
    """The listed trials of one replicate of an arm.

    They are ordered by seed, so that an interrupted confirmation has all points on some seeds.

    Args:
        seeds: number of fresh seeds.
        incumbents: numbers of the trials to retrain.
        default: whether the default point is also retrained: once for each view, in replicate 0 of its own searches.
    """
    points = [*([None] if default else []), *incumbents]
    return [Retraining(number, seed) for seed in range(seeds) for number in points]


@dataclass
class IncumbentCount:
    """Incumbents of the searches of one arm: those found so far, and an estimate of future ones.

    If the values of a search were exchangeable, trial i (from 1) would be an incumbent with probability 1/i. The estimate scales this by
    the incumbents found in all trials so far. It starts at the harmonic number of the trials and is exact at the end.

    Attributes:
        trials: number of trials of every search.
        counts: incumbents and finished trials of the search so far, by replicate.
        default: whether the default point is also confirmed.
    """

    trials: int
    counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    default: bool = True

    def expected(self, replicate: int) -> int:
        """Expected number of incumbents that the search of `replicate` will find in addition."""
        exchangeable = sum(harmonic(finished) for _, finished in self.counts.values())
        scale = sum(incumbents for incumbents, _ in self.counts.values()) / exchangeable if exchangeable else 1.0
        _, finished = self.counts.get(replicate, (0, 0))
        return round(scale * (harmonic(self.trials) - harmonic(finished)))

    def trainings(self, seeds: int) -> tuple[int, int]:
        """The number of confirmation trials of the arm, and how many are an estimate. Those of the default point are in replicate 0."""
        expected = sum(map(self.expected, self.counts))
        incumbents = sum(incumbents for incumbents, _ in self.counts.values())
        return seeds * ((self.default and 0 in self.counts) + incumbents + expected), seeds * expected


def harmonic(n: int) -> float:
    """1 + 1/2 + ... + 1/n: the expected number of incumbents among n exchangeable values."""
    return sum(1 / i for i in range(1, n + 1))
