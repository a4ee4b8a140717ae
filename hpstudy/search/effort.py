"""How hard the surrogate is fitted and the acquisition optimised."""

from __future__ import annotations

from dataclasses import dataclass

TOLERANCE = 1e7 * 2.0**-52
"""Relative change of a function at which scipy's L-BFGS-B ends by default."""


@dataclass(frozen=True)
class Effort:
    """Settings of the optimisers.

    Attributes:
        restarts: starts of the acquisition's optimiser.
        raw_samples: points among which the starts are chosen.
        iterations: of the acquisition's optimiser, from every start.
        fit_tolerance: relative change of the likelihood at which the fit of the surrogate ends.
    """

    restarts: int
    raw_samples: int
    iterations: int
    fit_tolerance: float


DEFAULT = Effort(restarts=20, raw_samples=1_024, iterations=2_000, fit_tolerance=TOLERANCE)
"""Ax's own settings."""

FAST = Effort(restarts=4, raw_samples=256, iterations=50, fit_tolerance=1e-6)
"""40 % to 70 % of the time per ask; over 60 paired searches of 25 trials no difference in regret that could be told from chance."""

FALLBACKS = 256
"""Untried points among which the acquisition chooses when its optimum was tried before: all of a small finite space."""
