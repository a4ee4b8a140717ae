"""Measures of tuning from other papers, which supplement the endpoints.

- The expected best of n trials (Dodge et al. 2019, Show your work, https://doi.org/10.18653/v1/D19-1224; `baselines.expected_best` has the
    unbiased form): the mean best value of n trials that are drawn at random from all trials of a view. Trials of a searcher that learns
    are not exchangeable: for such a searcher the measure describes the trials, not the searcher.
- Cumulative performance (Sivaprasad et al. 2020, Optimizer benchmarking needs to account for hyperparameter tuning, ICML,
    https://proceedings.mlr.press/v119/sivaprasad20a.html): a weighted mean of the incumbent's value over the trials: early (weights
    T - n + 1), uniform, or late (weights n); for observed and confirmed values.
- Tunability of a hyperparameter (Probst et al. 2019, Tunability, JMLR 20, https://jmlr.org/papers/v20/18-444.html): the gain of tuning it
    alone, with the others at their defaults. A study does not train such points. As in the paper, a surrogate predicts the gain, here the
    forest of `exploration.importance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.baselines.expected_best import expected_curve
from hpstudy.analysis.confirmed.curves import ConfirmedCurve
from hpstudy.analysis.curves.best_so_far import NO_CURVE, MeanCurve
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.exploration.forest import fit
from hpstudy.analysis.exploration.importance import FEWEST
from hpstudy.analysis.exploration.imputation import MIDDLE, Imputation
from hpstudy.analysis.exploration.searches import LINE, SearchedView, cells
from hpstudy.analysis.statistics.estimate import CountedEstimate
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.view_result import ViewResult
from hpstudy.seeds import derive_seed
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class Cumulative:
    """Weighted means over trials 1..T of curves, averaged over searches, with Student's t intervals.

    Attributes:
        early: CPE, weights T - n + 1.
        uniform: CPU, equal weights.
        late: CPL, weights n.
    """

    early: CountedEstimate
    uniform: CountedEstimate
    late: CountedEstimate


@dataclass(frozen=True)
class Tunability:
    """The predicted gain of tuning each hyperparameter alone.

    Attributes:
        gains: gain of each hyperparameter in units of the metric, at least 0.
        explained: share of the variance of held-out searches that the forest predicts (R squared); NaN if it is not computed.
    """

    gains: Mapping[str, float]
    explained: float


@dataclass(frozen=True)
class Secondary:
    """The measures of one view.

    Attributes:
        expected: expected best of n of the view's trials; empty without a complete search.
        of_observed, of_confirmed: cumulative performance of the best so far and of the confirmed value, over complete searches; None
            without any.
        tunability: None with too few trials.
    """

    view: str
    expected: MeanCurve
    of_observed: Cumulative | None
    of_confirmed: Cumulative | None
    tunability: Tunability | None


def secondary(
    views: Sequence[ViewResult], curves: Sequence[ConfirmedCurve], searched: Sequence[SearchedView], endpoints: Endpoints
) -> tuple[Secondary, ...]:
    """The measures of every view with confirmed curves. A trial without a value counts as the worst value of the study."""
    confirmed, explored = {curve.view: curve for curve in curves}, {view.name: view for view in searched}
    confidence, study = endpoints.study.analysis.confidence, endpoints.study
    measures = []
    for view in views if curves else ():
        complete, curve = view.searches.complete, confirmed[view.name]
        values = view.searches.values[complete]  # (searches, trials)
        values = np.where(np.isnan(values), endpoints.worst, values)
        measures.append(
            Secondary(
                view.name,
                expected_curve(values, study.metric.goal, endpoints.bootstrap) if len(values) else NO_CURVE,
                cumulative(view.best[complete], confidence) if complete.any() else None,
                cumulative(curve.scored[curve.complete], confidence) if curve.complete.any() else None,
                tunability(explored[view.name], study) if view.name in explored else None,
            )
        )
    return tuple(measures)


def cumulative(curves: Floats, confidence: float) -> Cumulative:
    """Cumulative performance of (searches x trials) curves, at least one, no NaN."""
    trials = np.arange(1, curves.shape[1] + 1)
    shares = [weights / weights.sum() for weights in (trials[::-1], np.ones(len(trials)), trials)]  # (trials,) each
    return Cumulative(*(t_mean(curves @ share, confidence).counted(len(curves)) for share in shares))


def tunability(view: SearchedView, study: Study) -> Tunability | None:
    """The predicted gain of each hyperparameter from its default to its best value, with the others at their defaults.

    The gain is 0 for a hyperparameter that the default point does not have.
    """
    if len(view.objective) < FEWEST or np.ptp(view.objective) == 0:
        return None
    seed = derive_seed(study.seed, "analysis", "tunability", view.name)
    forest = fit(np.where(np.isnan(view.unit), MIDDLE, view.unit), view.objective, seed)
    space = study.views[view.name].space
    point, imputed = space.default(), Imputation(space)
    default = np.array([parameter.unit(point[name]) if name in point else MIDDLE for name, parameter in space.items()])
    gains = {}
    for column, (name, parameter) in enumerate(space.items()):
        line = np.append(cells(parameter, LINE), default[column])  # (values,), the default last
        points = np.tile(default, (len(line), 1))  # (values, hyperparameters)
        points[:, column] = line
        predicted = study.metric.goal.sign * forest.predict(imputed(points))
        gains[name] = float(predicted.max() - predicted[-1])
    return Tunability(gains, view.importance.explained if view.importance is not None else float("nan"))
