"""Comparison at equal epochs of training instead of equal trials, for custom tasks whose trials train for different numbers of epochs.

All trials of a built-in task train for the same number of epochs, so equal trials are equal epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.curves.training_time import cost_difference
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.trials.searches import Layout
from hpstudy.analysis.view_result import ViewResult


@dataclass(frozen=True)
class EpochsOfView:
    """Training epochs of one view.

    Attributes:
        fewest, most: smallest and largest number of epochs of a trial that reported any.
        of_search: epochs of a whole search, mean over complete searches with its t interval.
    """

    view: str
    fewest: int
    most: int
    of_search: Estimate


@dataclass(frozen=True)
class EpochDifference:
    """Two views compared at equal training epochs, A minus B over paired replicates.

    Attributes:
        epochs: the largest number of epochs that all searches of both views have trained, and half of it.
        differences: differences of the best so far at these epochs.
        ratio: epochs of a whole search of A over those of B, ratio of means.
    """

    a: str
    b: str
    epochs: tuple[float, ...]
    differences: tuple[Estimate, ...]
    ratio: float


@dataclass(frozen=True)
class TrainingEpochs:
    """Training epochs of a study.

    Attributes:
        views: views whose trials reported epochs, in the order of the study.
        pairs: comparisons in which all searches share a number of epochs; empty if all trials train equally long.
        unrecorded: number of finished trials that reported no epoch and count as 0.
    """

    views: tuple[EpochsOfView, ...]
    pairs: tuple[EpochDifference, ...]
    unrecorded: int

    @property
    def equal(self) -> bool:
        """Whether all trials of all views train for the same number of epochs."""
        return not self.unrecorded and len({number for view in self.views for number in (view.fewest, view.most)}) == 1


def training_epochs(
    curves: Any, views: Sequence[ViewResult], pairs: Sequence[PairResult], confidence: float
) -> TrainingEpochs | None:
    """Compare the views at equal training epochs; None if no trial of a search reported an epoch.

    The number of epochs of a trial is its last reported epoch, plus one if the epochs of the study start at 0.

    Args:
        curves: DataFrame with the columns view, replicate, number and epoch, one row per reported value.
        views: the views in the order of the study.
        pairs: the comparisons.
        confidence: level of every interval.
    """
    reported = {view.name: _last(curves, view) for view in views}
    if all(np.isnan(epochs).all() for epochs in reported.values()):
        return None
    first = int(curves["epoch"][curves["view"].isin(list(reported))].min() == 0)  # 1 if epochs count from 0
    # (replicates, trials) cumulative epochs of each view
    trained = {name: np.nan_to_num(epochs + first).cumsum(axis=1) for name, epochs in reported.items()}
    of_views = []
    for view in views:
        epochs = reported[view.name] + first
        if not np.isnan(epochs).all():
            of_search = t_mean(trained[view.name][view.searches.complete, -1], confidence)
            of_views.append(EpochsOfView(view.name, int(np.nanmin(epochs)), int(np.nanmax(epochs)), of_search))
    unrecorded = sum(int((np.isnan(reported[view.name]) & view.searches.spent).sum()) for view in views)
    without_pairs = TrainingEpochs(tuple(of_views), (), unrecorded)
    if without_pairs.equal:
        return without_pairs
    best = {view.name: view.best for view in views}
    differences = [_difference(pair, best, trained, confidence) for pair in pairs]
    return replace(without_pairs, pairs=tuple(difference for difference in differences if difference is not None))


def _last(curves: Any, view: ViewResult) -> Floats:
    """(replicates x trials) last epoch that each finished trial reported; NaN for none."""
    layout = Layout.of(curves, view.name, view.searches.values.shape)
    last = np.full(layout.shape, -1, dtype=np.int64)
    np.maximum.at(last, (layout.replicate, layout.number), curves["epoch"].to_numpy(dtype=np.int64)[layout.rows])
    return np.where((last >= 0) & view.searches.spent, last.astype(np.float64), np.nan)


def _difference(
    pair: PairResult, best: dict[str, Floats], trained: dict[str, Floats], confidence: float
) -> EpochDifference | None:
    """The difference at equal training epochs; `best` and the cumulative epochs `trained` are (replicates x trials), by view."""
    both = pair.replicates
    if not len(both):
        return None
    cost = cost_difference(best[pair.a][both], best[pair.b][both], trained[pair.a][both], trained[pair.b][both], confidence)
    return None if cost is None else EpochDifference(pair.a, pair.b, cost.seconds, cost.differences, cost.ratio_s)
