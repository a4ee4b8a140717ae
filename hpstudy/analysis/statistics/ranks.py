"""Rank statistics: the signed-rank test, the corresponding Hodges-Lehmann shift, and Friedman's test for three or more views.

References:
    Wilcoxon (1945), Individual comparisons by ranking methods, Biometrics Bull. 1, https://doi.org/10.2307/3001968
    Pratt (1959), Remarks on zeros and ties in the Wilcoxon signed rank procedures, JASA 54,
    https://doi.org/10.1080/01621459.1959.10501526
    Hodges and Lehmann (1963), Estimates of location based on rank tests, Ann. Math. Stat. 34, https://doi.org/10.1214/aoms/1177704172
    Hollander, Wolfe and Chicken (2015), Nonparametric statistical methods, 3rd edition, section 3.3,
    https://doi.org/10.1002/9781119196037 (interval of the shift)
    Friedman (1937), JASA 32, https://doi.org/10.1080/01621459.1937.10503522
    Iman and Davenport (1980), Commun. Stat. A9, https://doi.org/10.1080/03610928008827904
    Demšar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7, https://jmlr.org/papers/v7/demsar06a.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.goal import Goal

EXACT_UP_TO = 200
"""Maximum number of replicates for the exact signed-rank distribution (n additions of n**2 numbers)."""

ZEROS = "Pratt"
"""Treatment of zero differences: they are ranked with the others, and their ranks are then dropped (Pratt 1959)."""


@dataclass(frozen=True)
class SignedRank:
    """Result of a Wilcoxon signed-rank test.

    Attributes:
        p: two-sided p-value; 1 if all differences are 0.
        positive: sum of the ranks of the positive differences.
        zeros: number of differences equal to 0.
        exact: whether the distribution is exact (given the ties); otherwise p is from the normal approximation.
    """

    p: float
    positive: float
    zeros: int
    exact: bool


def signed_rank(differences: Floats) -> SignedRank:
    """Two-sided Wilcoxon signed-rank test of paired differences, which are symmetric about 0 under the null hypothesis.

    `differences` is (replicates,), at least one. Ties in absolute value have their mean rank. `ZEROS` is the treatment of zero
    differences.
    """
    n, zeros = len(differences), int((differences == 0).sum())
    ranks = stats.rankdata(np.abs(differences))
    positive = float(ranks[differences > 0].sum())
    if zeros == n:
        return SignedRank(1.0, 0.0, zeros, True)
    if n > EXACT_UP_TO:
        test = stats.wilcoxon(differences, zero_method="pratt", method="approx")
        return SignedRank(float(test.pvalue), positive, zeros, False)
    # Twice a rank is an integer, also for the mean rank of ties. `chance` has the probability of each sum of doubled ranks.
    chance = signed_rank_distribution(np.rint(2 * ranks[differences != 0]).astype(np.int64))
    observed = round(2 * positive)
    tail = min(float(chance[: observed + 1].sum()), float(chance[observed:].sum()))
    return SignedRank(min(1.0, 2 * tail), positive, zeros, True)


def signed_rank_distribution(ranks: Ints) -> Floats:
    """(1 + sum of ranks,) probability of each sum 0, 1, ... of positive ranks (integers > 0) if both signs are equally likely."""
    chance = np.zeros(int(ranks.sum()) + 1)
    chance[0] = 1.0
    for rank in ranks.tolist():
        with_rank = np.zeros_like(chance)
        with_rank[rank:] = chance[:-rank]
        chance = (chance + with_rank) / 2
    return chance


@dataclass(frozen=True)
class Shift:
    """The Hodges-Lehmann estimate of a paired shift.

    Attributes:
        estimate: median of the Walsh averages (d_i + d_j) / 2, i <= j.
        low, high: interval from the inverted signed-rank test.
        achieved: confidence of the interval: at least the requested one, or less if few replicates cannot attain it.
    """

    estimate: float
    low: float
    high: float
    achieved: float


def shift(differences: Floats, confidence: float) -> Shift:
    """The shift of one view against the other, from (replicates,) differences, at least one.

    The interval runs from the k-th smallest to the k-th largest Walsh average, where k is the largest number whose tail probability of
    the signed-rank distribution is at most (1 - confidence) / 2. It is exact for continuous symmetric differences and conservative with
    ties.
    """
    n = len(differences)
    first, second = np.triu_indices(n)
    walsh = np.sort((differences[first] + differences[second]) / 2)  # (n (n + 1) / 2,) Walsh averages
    if n > EXACT_UP_TO:
        mean, sd = len(walsh) / 2, np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        k = max(1, int(np.floor(stats.norm.ppf((1 - confidence) / 2, mean, sd))))
        achieved = float(1 - 2 * stats.norm.cdf(k - 0.5, mean, sd))
    else:
        tail = np.cumsum(signed_rank_distribution(np.arange(1, n + 1)))
        k = max(1, int(np.searchsorted(tail, (1 - confidence) / 2 * (1 + 1e-12), side="right")))
        achieved = float(1 - 2 * tail[k - 1])
    low, high = (float(walsh[k - 1]), float(walsh[-k])) if n > 1 else (math.nan, math.nan)
    return Shift(float(np.median(walsh)), low, high, achieved)


@dataclass(frozen=True)
class Friedman:
    """Result of a Friedman test over three or more views.

    Attributes:
        replicates: number of replicates that are complete in all views.
        ranks: (views,) mean rank of each view within a replicate; 1 is best.
        chi_square, chi_p: Friedman's statistic, corrected for ties, and its p from the chi-square distribution.
        f, p: Iman and Davenport's F statistic and its p, which is more accurate with few replicates; infinite F if all replicates agree.
    """

    replicates: int
    ranks: Floats
    chi_square: float
    chi_p: float
    f: float
    p: float


def friedman(values: Floats, goal: Goal) -> Friedman | None:
    """Friedman's test that no view differs from the others, on complete (replicates x views) values.

    None with fewer than 3 views or 2 replicates, or if all views are tied in every replicate.
    """
    n, k = values.shape
    if k < 3 or n < 2 or not np.ptp(values, axis=1).any():
        return None
    ranks = stats.rankdata(-goal.sign * values, axis=1)
    chi_square, chi_p = (float(number) for number in stats.friedmanchisquare(*values.T))
    denominator = n * (k - 1) - chi_square
    f = (n - 1) * chi_square / denominator if denominator > 1e-9 else float("inf")
    p = float(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))
    return Friedman(n, ranks.mean(axis=0), chi_square, chi_p, f, p)
