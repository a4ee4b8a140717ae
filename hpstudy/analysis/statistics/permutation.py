"""Tests that assume nothing but the pairing: sign flips, and Holm's correction for asking several times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats

EXACT_UP_TO = 20
"""Replicates up to which all sign patterns are counted (2**20 sums of 8 bytes; each further replicate doubles them)."""

DRAWS = 100_000
"""Random sign patterns beyond that: the standard error of a p of 0.05 is then 0.0007."""

BLOCK = 2**16
"""Signs that are numbers of 8 bytes at a time: they stay in the cache of a core."""


@dataclass(frozen=True)
class SignFlip:
    """Result of a sign-flip test.

    Attributes:
        p: two-sided p-value.
        exact: whether all sign patterns were counted.
        smallest: the smallest p that this number of replicates can give.
    """

    p: float
    exact: bool
    smallest: float


def sign_flip(differences: Floats, seed: int) -> SignFlip:
    """Two-sided sign-flip permutation test of a zero mean of (replicates,) paired differences, at least one.

    Under the hypothesis that the two views are exchangeable within a replicate, every sign pattern of the differences is equally
    likely: p is the share of patterns whose |sum| is at least the observed one. Where there are too many patterns to count,
    `seed` draws random ones; they count the observed one as well, so p is never 0.
    """
    n = len(differences)
    observed = abs(differences.sum()) * (1 - 1e-12)
    if n <= EXACT_UP_TO:
        # The first sign is fixed: a pattern and its opposite have the same |sum|.
        sums = differences[:1].astype(np.float64)
        for difference in differences[1:]:
            sums = np.concatenate([sums + difference, sums - difference])
        return SignFlip(float((np.abs(sums) >= observed).mean()), True, 2.0 ** (1 - n))
    rng = np.random.default_rng(seed)
    step = max(1, 2**22 // n)
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

    The adjusted p of rank i is the running maximum of (m - i) p_(i), at most 1. Source: Holm (1979), A simple sequentially
    rejective multiple test procedure, Scand. J. Stat. 6.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted
