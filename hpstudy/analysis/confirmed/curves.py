"""Confirmed curves: the mean of a search's incumbent on fresh seeds, at every trial.

The best so far is the best of many noisy values and is therefore optimistically biased. The confirmed curve at a trial is the value of the
incumbent at that trial, trained again on seeds that no search has used. The gap between the two curves, the optimism, is the selection
bias (Cawley and Talbot 2010, https://jmlr.org/papers/v11/cawley10a.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.curves.best_so_far import (
    MeanCurve,
    best_so_far,
    finite_values,
    incumbent_numbers,
    is_incumbent,
    worst_value,
)
from hpstudy.analysis.statistics.crossed import components
from hpstudy.analysis.statistics.student import t_intervals
from hpstudy.analysis.trials.searches import Layout, Searches
from hpstudy.goal import Goal
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class ConfirmedCurve:
    """The confirmed curves of one view.

    Attributes:
        view: the name of the view.
        seeds: number of fresh seeds of each incumbent.
        complete: (replicates,) whether the search is complete and all trainings of its incumbents on fresh seeds have ended.
        confirmed: (replicates x trials) mean of the incumbent on its fresh seeds; NaN before the first incumbent, and where a training
            has not ended.
        scored: (replicates x trials) the same, with the worst value of the study before the first incumbent.
        optimism: (replicates x trials) observed best so far minus confirmed value; positive where the observed value is better.
        incumbents: number of incumbents of the complete searches.
        lost: number of trainings on fresh seeds that ended without a value.
        noise: standard deviation over seeds of one training of an incumbent; NaN with one seed.
        mean, mean_optimism: means over complete replicates, with pointwise t intervals.
    """

    view: str
    seeds: int
    complete: Bools
    confirmed: Floats
    scored: Floats
    optimism: Floats
    incumbents: int
    lost: int
    noise: float
    mean: MeanCurve
    mean_optimism: MeanCurve


Policy = Literal["worst", "drop", "median"]
"""Treatment of a training without a value: it counts as the worst value of the study, not at all, or as the median of all values."""


def confirmed_curves(
    rows: Any, searches: Mapping[str, Searches], study: Study, policy: Policy | None = None
) -> tuple[ConfirmedCurve, ...]:
    """The confirmed curves of every view of a study that confirms all incumbents; empty without any value.

    Trials before the first value of a search have no incumbent and count as the worst value of the study, as in the best so far.
    `metric.on_failure` sets the treatment of a training on a fresh seed without a value: it counts as the worst value of the study, or is
    left out of the mean of its incumbent. An incumbent without any value counts as the worst. The worst value is taken over all trials and
    confirmations.

    Args:
        rows: DataFrame from `hpstudy.store.Reader.confirmations`.
        searches: the trials of every view.
        study: resolved study with `confirm.incumbents`.
        policy: replaces `metric.on_failure`; the median also applies before the first value of a search.
    """
    assert study.confirm is not None
    goal = study.metric.goal
    values = finite_values([*(block.values for block in searches.values()), rows["objective"].to_numpy(dtype=np.float64)])
    if not values.size:
        return ()
    policy = policy or study.metric.on_failure
    substitute = float(np.median(values)) if policy == "median" else worst_value([values], goal)
    confidence = study.analysis.confidence
    return tuple(
        _curve(fresh_trainings(rows, block, study.confirm.seeds), block, goal, substitute, policy == "drop", confidence)
        for block in searches.values()
    )


@dataclass(frozen=True)
class FreshTrainings:
    """Trainings on fresh seeds: (replicates x trials x seeds) values, NaN for none, and flags of ended trainings."""

    values: Floats
    ended: Bools

    def complete(self, block: Searches, goal: Goal) -> Bools:
        """(replicates,) whether the search is complete and all trainings of its incumbents have ended."""
        return block.complete & np.asarray(
            (self.ended.all(axis=2) | ~is_incumbent(block.values, goal)).all(axis=1), dtype=np.bool_
        )


def unconfirmed(rows: Any, searches: Mapping[str, Searches], study: Study) -> int:
    """The number of trainings on fresh seeds that have not ended: of all incumbents of complete searches, or of their best trials.

    `rows` is the DataFrame of `hpstudy.store.Reader.confirmations`; 0 for a study that confirms nothing.
    """
    if study.confirm is None:
        return 0
    goal, missing = study.metric.goal, 0
    for block in searches.values():
        chosen = is_incumbent(block.values, goal) & block.complete[:, None]  # (replicates, trials)
        if not study.confirm.incumbents:
            chosen &= np.arange(chosen.shape[1]) == incumbent_numbers(block.values, goal)[:, -1:]
        missing += int((~fresh_trainings(rows, block, study.confirm.seeds).ended[chosen]).sum())
    return missing


def fresh_trainings(rows: Any, block: Searches, seeds: int) -> FreshTrainings:
    """The trainings of a view's trials on fresh seeds, from the DataFrame of `hpstudy.store.Reader.confirmations`."""
    ended = rows[rows["replicate"].notna() & (rows["state"] != "running") & (rows["seed_number"] < seeds)]
    layout = Layout.of(ended, block.view, block.values.shape)
    position = (layout.replicate, layout.number, ended["seed_number"].to_numpy(dtype=np.int64)[layout.rows])
    value = ended["objective"].to_numpy(dtype=np.float64)
    completed = (ended["state"] == "completed").to_numpy(dtype=np.bool_) & np.isfinite(value)
    shape = (*layout.shape, seeds)
    trainings = FreshTrainings(np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_))
    trainings.values[position] = np.where(completed, value, np.nan)[layout.rows]
    trainings.ended[position] = True
    return trainings


def _curve(
    fresh: FreshTrainings, block: Searches, goal: Goal, substitute: float, drop_failed: bool, confidence: float
) -> ConfirmedCurve:
    """The curves of one view; `substitute` is the value of a failed training, unless failed ones are dropped."""
    complete = fresh.complete(block, goal)  # (replicates,)
    # (replicates, trials, seeds)
    failed = np.isnan(fresh.values)
    counted = ~failed if drop_failed else np.ones_like(failed)
    total = np.where(counted, np.where(failed, substitute, fresh.values), 0.0).sum(axis=2)
    # (replicates, trials), as are all arrays below
    number = counted.sum(axis=2)
    means = np.where(number > 0, total / np.maximum(number, 1), substitute)
    means[~fresh.ended.all(axis=2)] = np.nan
    incumbent = incumbent_numbers(block.values, goal)
    mean_of_incumbent = np.take_along_axis(means, np.maximum(incumbent, 0), axis=1)
    confirmed = np.where(block.spent & (incumbent >= 0), mean_of_incumbent, np.nan)
    scored = np.where(block.spent & (incumbent < 0), substitute, confirmed)
    optimism = goal.sign * (best_so_far(block.values, goal) - confirmed)
    of_complete = is_incumbent(block.values, goal) & complete[:, None]
    return ConfirmedCurve(
        view=block.view,
        seeds=fresh.values.shape[2],
        complete=complete,
        confirmed=confirmed,
        scored=scored,
        optimism=optimism,
        incumbents=int(of_complete.sum()),
        lost=int((fresh.ended & failed).sum()),
        noise=components(fresh.values[of_complete], crossed=False).floor,
        mean=_mean(scored[complete], confidence),
        mean_optimism=_mean(optimism[complete], confidence),
    )


def _mean(curves: Floats, confidence: float) -> MeanCurve:
    """Mean of (searches x trials) curves, at each trial over the searches with a value."""
    present = ~np.isnan(curves)
    mean, low, high = (np.full(curves.shape[1], np.nan) for _ in range(3))
    for trial in np.flatnonzero(present.any(axis=0)):
        values = curves[present[:, trial], trial]  # (searches with a value,)
        mean[trial] = values.mean()
        low[trial : trial + 1], high[trial : trial + 1] = t_intervals(values[:, None], confidence)
    return MeanCurve(present.sum(axis=0).astype(np.int64), mean, low, high)
