"""Budget-free scores of whole searches: the runtime ECDF over a grid of targets, and the normalized regret over all trials.

Both give one number for each search, so the mean over searches has an ordinary interval. The scale is that of the study: 0 is
the median first trial of all searches, 1 the best value of any trial.

References:
    Hansen et al. (2016), COCO: performance assessment, https://arxiv.org/abs/1605.03560 (runtime ECDF)
    Dewancker et al. (2016), A strategy for ranking optimization methods using multiple criteria, AutoML workshop,
    https://proceedings.mlr.press/v64/dewancker_strategy_2016.html (area under the best-so-far curve)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals
from hpstudy.analysis.statistics.estimate import Estimate, mean_of
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.goal import Goal

TARGETS = 50
"""Number of levels in the target grid."""


@dataclass(frozen=True)
class Scale:
    """The scale of normalized values: `first` maps to 0, `known` to 1.

    Attributes:
        first: median value of the first trial over the searches of all views.
        known: best value of any trial of any view.
    """

    first: float
    known: float

    def targets(self) -> Floats:
        """(TARGETS,) levels at equal distances from just better than `first` to `known`."""
        return np.linspace(self.first, self.known, TARGETS + 1)[1:]


def scale_of(best: list[Floats], goal: Goal) -> Scale | None:
    """The scale of a study, from (searches x trials) best so far of the complete searches of every view, no NaN.

    None without a search, or when no trial is better than the median first one.
    """
    first = np.concatenate([values[:, 0] for values in best]) if best else np.zeros(0)
    if not first.size:
        return None
    last = np.concatenate([values[:, -1] for values in best])
    scale = Scale(float(np.median(first)), float(goal.best(last)))
    return None if scale.first == scale.known else scale


def attained(best: Floats, scale: Scale) -> Floats:
    """Share of the target grid, in [0, 1], that each of (searches x trials) best so far without NaN has reached: the same shape."""
    sign = 1.0 if scale.known > scale.first else -1.0
    targets = sign * scale.targets()
    return np.asarray(np.searchsorted(targets, sign * best, side="right") / TARGETS, dtype=np.float64)


def progress(best: Floats, scale: Scale) -> Floats:
    """1 minus the normalized regret: 0 at the median first trial, 1 at the best known value, negative for worse values.

    Arguments as for `attained`.
    """
    return np.asarray((best - scale.first) / (scale.known - scale.first), dtype=np.float64)


@dataclass(frozen=True)
class Anytime:
    """Anytime scores of one view.

    Attributes:
        replicates: number of complete searches.
        ecdf, ecdf_low, ecdf_high: (trials,) share of (search, target) pairs that are reached after each trial, the runtime ECDF,
            with its pointwise BCa interval.
        ecdf_area: mean of the ECDF over the trials.
        score: mean over the trials of 1 - normalized regret.
    """

    replicates: int
    ecdf: Floats
    ecdf_low: Floats
    ecdf_high: Floats
    ecdf_area: Estimate
    score: Estimate


def anytime(best: Floats, scale: Scale, bootstrap: Bootstrap) -> Anytime:
    """Compute the anytime scores of one view from the (searches x trials) best so far of its complete searches, at least one, no NaN.

    The scale is the same in all resamples.
    """
    share = attained(best, scale)
    low, high = mean_intervals(share, bootstrap)
    area = mean_of(share.mean(axis=1), bootstrap)
    score = mean_of(progress(best, scale).mean(axis=1), bootstrap)
    return Anytime(len(best), share.mean(axis=0), low, high, area, score)


@dataclass(frozen=True)
class AnytimeDifference:
    """Differences of the anytime scores of two views, A minus B over paired replicates.

    Attributes:
        ecdf_area, score: differences of both scores.
        metric: mean over the trials of the difference of the best so far, in units of the metric, which needs no scale.
    """

    ecdf_area: Estimate
    score: Estimate
    metric: Estimate


def anytime_difference(a: Floats, b: Floats, scale: Scale, confidence: float) -> AnytimeDifference:
    """Compare two views by their (replicates x trials) best so far, no NaN; t intervals, with the scale held fixed."""
    rated = [(attained(x, scale).mean(axis=1), progress(x, scale).mean(axis=1), x.mean(axis=1)) for x in (a, b)]
    area, score, metric = (t_mean(x - y, confidence) for x, y in zip(*rated, strict=True))
    return AnytimeDifference(area.within((-1.0, 1.0)), score, metric)
