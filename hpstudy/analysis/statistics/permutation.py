"""The sign-flip permutation test for paired differences, and Holm's correction for multiple tests.

Reference: Fisher (1935), The design of experiments, section 21 (the test); Phipson and Smyth (2010), Permutation p-values should never be
zero, Stat. Appl. Genet. Mol. Biol. 9, https://doi.org/10.2202/1544-6115.1585 (random patterns, the observed one included)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats

EXACT_UP_TO = 20
"""Maximum number of replicates for full enumeration (2**20 sums of 8 bytes; each further replicate doubles them)."""

DRAWS = 100_000
"""Number of random sign patterns for more replicates: the standard error of a p of 0.05 is then 0.0007."""

BLOCK = 2**16
"""Number of signs held as 8-byte floats at a time, so that a block fits in the cache of a core."""


@dataclass(frozen=True)
class SignFlip:
    """Result of a sign-flip test.

    Attributes:
        p: two-sided p-value.
        exact: whether all sign patterns were enumerated.
        smallest: smallest attainable p with this number of replicates.
    """

    p: float
    exact: bool
    smallest: float


def sign_flip(differences: Floats, seed: int) -> SignFlip:
    """Two-sided sign-flip permutation test that (replicates,) paired differences, at least one, have zero mean.

    If the two views are exchangeable within a replicate (null hypothesis), every sign pattern of the differences is equally likely. p
    is the share of patterns whose |sum| is at least the observed one. With too many patterns to enumerate, random ones are drawn with
    `seed`, and the observed pattern is included, so p is never 0.
    """
    n = len(differences)
    # Sums that differ by rounding are equal, also if both are 0.
    observed = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()
    if n <= EXACT_UP_TO:
        # (2**(n - 1),) sums. The first sign is fixed, since a pattern and its opposite have the same |sum|.
        sums = differences[:1].astype(np.float64)
        for difference in differences[1:]:
            sums = np.concatenate([sums + difference, sums - difference])
        return SignFlip(float((np.abs(sums) >= observed).mean()), True, smallest_p(n))
    rng = np.random.default_rng(seed)
    step = max(1, 2**22 // n)
    block = np.empty((max(1, BLOCK // n), n))  # (patterns of a block, replicates), reused, so that it stays in the cache
    as_large = 0
    for start in range(0, DRAWS, step):
        patterns = min(step, DRAWS - start)
        # The first bit of each byte is a sign. Drawing the same bits as small integers takes four times as long.
        words = rng.integers(2**32, size=-(-patterns * n // 4), dtype=np.uint32).astype("<u4", copy=False)
        bits = words.view(np.int8)[: patterns * n].reshape(patterns, n)
        for first in range(0, patterns, len(block)):
            signs = bits[first : first + len(block)] >> 7 | 1  # -1 or 1
            block[: len(signs)] = signs
            as_large += int((np.abs(block[: len(signs)] @ differences) >= observed).sum())
    return SignFlip((1 + as_large) / (1 + DRAWS), False, smallest_p(n))


def smallest_p(replicates: int) -> float:
    """The smallest attainable p of a two-sided sign-flip test of this many paired differences."""
    exact = 2.0 ** (1 - replicates)
    return exact if replicates <= EXACT_UP_TO else max(1 / (1 + DRAWS), exact)


def holm(p_values: Floats) -> Floats:
    """Holm's step-down adjustment of (tests,) p-values of one family, in the order given.

    The adjusted p of rank i (from 0) is the running maximum of (m - i) p_(i), at most 1. NaN, a test that cannot be computed, stays NaN
    and does not count in the number of tests m. Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J.
    Stat. 6, https://www.jstor.org/stable/4615733
    """
    order = np.argsort(p_values, kind="stable")[: int((~np.isnan(p_values)).sum())]  # NaN is sorted last
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1)), 1.0)
    return adjusted
