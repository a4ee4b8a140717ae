"""Performance profiles: how often each treatment needs at most a multiple of what the best one needs.

The ratio of a treatment on a problem is its cost divided by the smallest cost of any treatment there; it is infinite where the treatment
does not solve the problem. The profile at tau is the share of all problems whose ratio is at most tau. Reference: Dolan and More (2002),
Math. Program. 91.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats


@dataclass(frozen=True)
class PerformanceProfile:
    """The profiles of several treatments, as steps.

    Attributes:
        names: of the treatments.
        problems: how many problems they had, those that none solves included.
        ratios: (points,) ascending from 1: where any profile rises.
        shares: (treatments x points) shares of the problems, from each ratio on.
    """

    names: tuple[str, ...]
    problems: int
    ratios: Floats
    shares: Floats


def performance_profile(costs: Floats, names: tuple[str, ...]) -> PerformanceProfile | None:
    """The profiles of (problems x treatments) costs above 0, NaN where a treatment does not solve a problem.

    None where no ratio is above 1, so that there is nothing to see: a problem needs two treatments that solve it, at different costs.
    """
    solved = costs[~np.isnan(costs).all(axis=1)]
    if not solved.size:
        return None
    relative = solved / np.nanmin(solved, axis=1, keepdims=True)
    ratios = np.unique(relative[~np.isnan(relative)])
    if len(ratios) < 2:
        return None
    shares = (relative[:, :, None] <= ratios).sum(axis=0) / len(costs)
    return PerformanceProfile(names, len(costs), ratios, np.asarray(shares, dtype=np.float64))
