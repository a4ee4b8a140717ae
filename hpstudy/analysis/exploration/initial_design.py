"""The number of searches whose best trial belongs to the initial design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.statistics.survival import wilson
from hpstudy.analysis.trials.searches import Searches
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class InitialDesign:
    """The searches of one view whose best trial belongs to the initial design.

    Attributes:
        trials: number of trials in the design, the first ones of every search.
        searches: number of complete searches with a value.
        chosen: number of searches whose best trial is in the design.
        low, high: Wilson interval of the share.
    """

    trials: int
    searches: int
    chosen: int
    low: float
    high: float


def initial_design(block: Searches, study: Study) -> InitialDesign | None:
    """Count these searches of a view; None if the searcher has no setting `initial`, or no search is complete."""
    trials = study.search.settings.get("initial")
    values = study.metric.goal.sign * block.values[block.complete & np.isfinite(block.values).any(axis=1)]
    if not isinstance(trials, int) or not len(values):
        return None
    chosen = int((np.nanargmax(values, axis=1) < trials).sum())
    return InitialDesign(trials, len(values), chosen, *wilson(chosen, len(values), study.analysis.confidence))
