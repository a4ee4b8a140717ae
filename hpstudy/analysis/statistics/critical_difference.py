"""Mean ranks of several treatments with Nemenyi's critical difference, as in Demsar's diagram.

The treatments are ranked within each block. Friedman's test decides whether any treatment differs. If so, two treatments whose mean ranks
differ by at least the critical difference are shown to differ, with family-wise error control over all pairs. The test permutes the ranks
within blocks, since the chi-square and F approximations are invalid for few blocks: the F form rejects whenever two blocks agree.

References:
    Friedman (1937), JASA 32, https://doi.org/10.1080/01621459.1937.10503522
    Nemenyi (1963), Distribution-free multiple comparisons, PhD thesis, Princeton University
    Demšar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7, https://jmlr.org/papers/v7/demsar06a.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.ranks import friedman
from hpstudy.goal import Goal

PERMUTED_UP_TO = 30
"""Maximum number of blocks for the permutation test; with more, the p-value is that of Iman and Davenport's F."""

PERMUTATIONS = 9_999
"""Number of random permutations."""

CHUNK = 500
"""Number of permutations in memory at a time."""


@dataclass(frozen=True)
class MeanRanks:
    """Treatments ordered by their mean rank, the best first.

    Attributes:
        names: names of the treatments.
        ranks: (treatments,) mean ranks, ascending.
        blocks: number of blocks (replicates or studies).
        p: p-value of Friedman's test.
        critical_difference: Nemenyi's critical difference.
        differs: whether the test shows that any treatment differs; if not, no pair is shown to differ.
        alike: maximal runs (first, last) of at least two treatments closer than the critical difference, as indices of `names`.
    """

    names: tuple[str, ...]
    ranks: Floats
    blocks: int
    p: float
    critical_difference: float
    differs: bool
    alike: tuple[tuple[int, int], ...]


def mean_ranks(values: Floats, names: Sequence[str], goal: Goal, confidence: float, seed: int) -> MeanRanks | None:
    """Rank (blocks x treatments) values, no NaN; `seed` is the seed of the permutation test.

    None with fewer than 3 treatments or 2 blocks, or if all treatments are tied in every block.
    """
    if (test := friedman(values, goal)) is None:
        return None
    blocks, treatments = values.shape
    p = test.p if blocks > PERMUTED_UP_TO else permutation_p(stats.rankdata(values, axis=1), seed)
    order = np.argsort(test.ranks, kind="stable")
    ranks, critical = test.ranks[order], critical_difference(treatments, blocks, confidence)
    ordered_names = tuple(names[index] for index in order)
    return MeanRanks(ordered_names, ranks, blocks, p, critical, p < 1 - confidence, runs_alike(ranks, critical))


def critical_difference(treatments: int, blocks: int, confidence: float) -> float:
    """The smallest significant difference of two mean ranks over N = `blocks` blocks: q sqrt(k (k + 1) / (6 N))."""
    q = float(stats.studentized_range.ppf(confidence, treatments, np.inf)) / math.sqrt(2)
    return q * math.sqrt(treatments * (treatments + 1) / (6 * blocks))


def permutation_p(ranks: Floats, seed: int) -> float:
    """Permutation p of Friedman's statistic of (blocks x treatments) ranks: all orders within a block are equally likely."""
    rng, as_large = np.random.default_rng(seed), 0
    # The sum over treatments of squared rank sums orders the permutations as Friedman's statistic does.
    observed = float((ranks.sum(axis=0) ** 2).sum())
    for start in range(0, PERMUTATIONS, CHUNK):
        copies = np.broadcast_to(ranks, (min(CHUNK, PERMUTATIONS - start), *ranks.shape))
        permuted = rng.permuted(copies, axis=2)  # (permutations, blocks, treatments)
        squares = (permuted.sum(axis=1) ** 2).sum(axis=1)  # (permutations,)
        as_large += int((squares >= observed * (1 - 1e-12)).sum())
    return (1 + as_large) / (1 + PERMUTATIONS)


def runs_alike(ranks: Floats, critical: float) -> tuple[tuple[int, int], ...]:
    """The maximal runs of ascending ranks whose ends differ by less than `critical`."""
    runs, end_of_run = list[tuple[int, int]](), 0
    for first in range(len(ranks)):
        last = int(np.flatnonzero(ranks - ranks[first] < critical)[-1])
        if last > max(first, end_of_run):
            runs.append((first, last))
            end_of_run = last
    return tuple(runs)
