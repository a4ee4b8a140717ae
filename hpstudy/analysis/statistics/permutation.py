"""The sign-flip permutation test for paired differences, and Holm's correction for multiple tests."""

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
    observed = abs(differences.sum()) * (1 - 1e-12)
    if n <= EXACT_UP_TO:
        # (2**(n - 1),) sums. The first sign is fixed, since a pattern and its opposite have the same |sum|.
        sums = differences[:1].astype(np.float64)
        for difference in differences[1:]:
            sums = np.concatenate([sums + difference, sums - difference])
        return SignFlip(float((np.abs(sums) >= observed).mean()), True, 2.0 ** (1 - n))
    rng = np.random.default_rng(seed)
    step = max(1, 2**22 // n)
    # Patterns are drawn as int8 (step x n); each block of rows becomes floats of +-1 in `signs`, whose product with the (n,)
    # differences is a sum for each pattern.
    signs = np.empty((max(1, BLOCK // n), n))
    hits = 0
    for start in range(0, DRAWS, step):
        drawn = rng.integers(0, 2, size=(min(step, DRAWS - start), n), dtype=np.int8)
        for first in range(0, len(drawn), len(signs)):
            part = drawn[first : first + len(signs)]
            of_part = signs[: len(part)]
            np.multiply(part, 2.0, out=of_part)
            of_part -= 1
            hits += int((np.abs(of_part @ differences) >= observed).sum())
    return SignFlip((1 + hits) / (1 + DRAWS), False, max(1 / (1 + DRAWS), 2.0 ** (1 - n)))


def holm(p_values: Floats) -> Floats:
    """Holm's step-down adjustment of (tests,) p-values of one family, in the order given.

    The adjusted p of rank i (from 0) is the running maximum of (m - i) p_(i), at most 1. Source: Holm (1979), A simple sequentially
    rejective multiple test procedure, Scand. J. Stat. 6, https://www.jstor.org/stable/4615733
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted
