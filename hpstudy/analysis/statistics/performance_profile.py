"""Performance profiles: how often the cost of a treatment is at most a given multiple of the smallest cost.

The ratio of a treatment on a problem is its cost divided by the smallest cost of any treatment on it, or infinite if the treatment does not
solve the problem. The profile at tau is the share of all problems whose ratio is at most tau.

Reference: Dolan and Moré (2002), Benchmarking optimization software with performance profiles, Math. Program. 91,
https://doi.org/10.1007/s101070100263
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats


@dataclass(frozen=True)
class PerformanceProfile:
    """The profiles of several treatments, as step functions.

    Attributes:
        names: names of the treatments.
        problems: number of problems, including those that no treatment solves.
        ratios: (points,) ratios at which any profile increases, ascending from 1.
        shares: (treatments x points) value of each profile from each ratio on.
    """

    names: tuple[str, ...]
    problems: int
    ratios: Floats
    shares: Floats


def performance_profile(costs: Floats, names: tuple[str, ...]) -> PerformanceProfile | None:
    """The profiles of (problems x treatments) positive costs, NaN where a treatment does not solve a problem.

    None if no ratio is above 1, that is, if no problem is solved by two treatments at different costs.
    """
    solved = costs[~np.isnan(costs).all(axis=1)]  # (problems solved by any treatment, treatments)
    if not solved.size:
        return None
    relative = solved / np.nanmin(solved, axis=1, keepdims=True)
    ratios = np.unique(relative[~np.isnan(relative)])
    if len(ratios) < 2:
        return None
    shares = (relative[:, :, None] <= ratios).sum(axis=0) / len(costs)  # (treatments, ratios)
    return PerformanceProfile(names, len(costs), ratios, np.asarray(shares, dtype=np.float64))
