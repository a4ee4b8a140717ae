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
from hpstudy.analysis.curves.best_so_far import MeanCurve, best_so_far
from hpstudy.analysis.statistics.student import t_intervals
from hpstudy.analysis.trials.searches import Searches
from hpstudy.goal import Goal
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class ConfirmedCurve:
    """The confirmed curves of one view.

    Attributes:
        view: the name of the view.
        seeds: number of fresh seeds of each incumbent.
        complete: (replicates,) whether the search is complete and all trainings of its incumbents on fresh seeds have ended.
        confirmed: (replicates x trials) mean of the incumbent on its fresh seeds; NaN before the first incumbent, and where it is not
            known yet.
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
    values = np.concatenate(
        [*(block.values.ravel() for block in searches.values()), rows["objective"].to_numpy(dtype=np.float64)]
    )
    values = values[np.isfinite(values)]
    if not values.size:
        return ()
    policy = policy or study.metric.on_failure
    instead = float(np.median(values)) if policy == "median" else float(goal.worst(values))
    confidence = study.analysis.confidence
    return tuple(
        _curve(fresh_values(rows, block, study.confirm.seeds), block, goal, instead, policy == "drop", confidence)
        for block in searches.values()
    )


def is_incumbent(values: Floats, goal: Goal) -> Bools:
    """(searches x trials) whether a trial is strictly better than all before it; `values` is NaN for a trial without a value."""
    best = np.fmax.accumulate(np.where(np.isnan(values), -np.inf, goal.sign * values), axis=1)
    before = np.concatenate([np.full((len(values), 1), -np.inf), best[:, :-1]], axis=1)
    return np.asarray(best > before, dtype=np.bool_)


@dataclass(frozen=True)
class Fresh:
    """Trainings on fresh seeds: (replicates x trials x seeds) values, NaN for none, and flags of ended trainings."""

    values: Floats
    ended: Bools


def fresh_values(rows: Any, block: Searches, seeds: int) -> Fresh:
    """The trainings of a view's trials on fresh seeds, from the DataFrame of `hpstudy.store.Reader.confirmations`."""
    own = rows[(rows["view"] == block.view) & rows["replicate"].notna() & (rows["state"] != "running")]
    replicate, number, seed = (own[key].to_numpy(dtype=np.int64) for key in ("replicate", "number", "seed_number"))
    shape = (*block.values.shape, seeds)
    kept = (replicate < shape[0]) & (number < shape[1]) & (seed < shape[2])
    at = replicate[kept], number[kept], seed[kept]
    value = own["objective"].to_numpy(dtype=np.float64)[kept]
    completed = (own["state"] == "completed").to_numpy(dtype=np.bool_)[kept] & np.isfinite(value)
    fresh = Fresh(np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_))
    fresh.values[at] = np.where(completed, value, np.nan)
    fresh.ended[at] = True
    return fresh


def _curve(fresh: Fresh, block: Searches, goal: Goal, instead: float, left_out: bool, confidence: float) -> ConfirmedCurve:
    chosen = is_incumbent(block.values, goal)
    complete = block.complete & (fresh.ended.all(axis=2) | ~chosen).all(axis=1)
    failed = np.isnan(fresh.values)
    counted = ~failed if left_out else np.ones_like(failed)
    total = np.where(counted, np.where(failed, instead, fresh.values), 0.0).sum(axis=2)
    number = counted.sum(axis=2)
    means = np.where(number > 0, total / np.maximum(number, 1), instead)
    means[~fresh.ended.all(axis=2)] = np.nan
    trials = np.arange(block.values.shape[1])
    latest = np.maximum.accumulate(np.where(chosen, trials, -1), axis=1)
    spent = trials < block.finished[:, None]
    held = np.take_along_axis(means, np.maximum(latest, 0), axis=1)
    confirmed = np.where(spent & (latest >= 0), held, np.nan)
    scored = np.where(spent & (latest < 0), instead, confirmed)
    optimism = goal.sign * (best_so_far(block.values, goal) - confirmed)
    trained = fresh.values[chosen & complete[:, None]]
    return ConfirmedCurve(
        view=block.view,
        seeds=fresh.values.shape[2],
        complete=complete,
        confirmed=confirmed,
        scored=scored,
        optimism=optimism,
        incumbents=int(chosen[complete].sum()),
        lost=int((fresh.ended & failed).sum()),
        noise=_noise(trained),
        mean=_mean(scored[complete], confidence),
        mean_optimism=_mean(optimism[complete], confidence),
    )


def _mean(curves: Floats, confidence: float) -> MeanCurve:
    """Mean of (searches x trials) curves, at each trial over the searches with a value."""
    known = ~np.isnan(curves)
    mean, low, high = (np.full(curves.shape[1], np.nan) for _ in range(3))
    for trial in np.flatnonzero(known.any(axis=0)):
        column = curves[known[:, trial], trial]
        mean[trial] = column.mean()
        low[trial : trial + 1], high[trial : trial + 1] = t_intervals(column[:, None], confidence)
    return MeanCurve(known.sum(axis=0).astype(np.int64), mean, low, high)


def _noise(values: Floats) -> float:
    """Pooled standard deviation within the rows of (points x seeds) values, ignoring NaN; NaN where no row has two values."""
    present = ~np.isnan(values)
    freedom = int((present.sum(axis=1) - 1).clip(min=0).sum())
    if not freedom:
        return float("nan")
    kept = values[present.any(axis=1)]
    return float(np.sqrt(np.nansum((kept - np.nanmean(kept, axis=1, keepdims=True)) ** 2) / freedom))
