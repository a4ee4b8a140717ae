"""Confirmed values that contradict a declared plateau.

A declared plateau is the value that a view reaches when it is well tuned. If the view is truly better, regrets to the plateau are too
small, and trials to come near it too few.

Three kinds of means on fresh seeds are tested against it: of the chosen point of every search, of the default point, and over the searches
of each searcher. Each has a one-sided t test of H0: the true mean is not better than the plateau. The standard error of a point uses the
variance over seeds, pooled over the points of its view (`statistics.crossed`); that of a mean over searches uses the searches. The p-values
of all views are corrected together (Bonferroni), which holds although points share seeds. The plateau counts as a constant, as in the
endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.confirmed.measure import ROUNDING
from hpstudy.analysis.retraining.trainings import Retrained, retrained
from hpstudy.analysis.statistics.crossed import components, row_means
from hpstudy.analysis.statistics.deviation import deviation
from hpstudy.analysis.trials.searches import gather
from hpstudy.study.controls import confirmed
from hpstudy.study.schema import Study

Kind = Literal["searches", "default", "search"]
"""What a mean is of: the chosen points of all searches of an arm, the default point, or the chosen point of one search."""

KINDS: tuple[Kind, ...] = ("searches", "default", "search")
"""In the order in which they are preferred as evidence: the best one of many searches is biased by its selection."""


@dataclass(frozen=True)
class ConfirmedMean:
    """A mean on fresh seeds.

    Attributes:
        kind: what it is the mean of.
        arm: the view, or VIEW/SEARCHER for another searcher.
        replicate: replicate of the one search; None for the other kinds.
        value: the mean.
        error: its standard error.
        n: number of seeds; of searches, for a mean over searches.
        degrees: degrees of freedom of the standard error.
    """

    kind: Kind
    arm: str
    replicate: int | None
    value: float
    error: float
    n: int
    degrees: int


@dataclass(frozen=True)
class ExceededPlateau:
    """A declared plateau that a view is shown to exceed, that is, to be better than.

    Attributes:
        view: the name of the view.
        plateau: the plateau with which endpoints compare the view: its own, or the best one of all views.
        mean: the confirmed mean that exceeds it: of those with p below 1 - confidence, the first one in `KINDS`, then in p.
        p: its one-sided p, corrected for the number of tests.
        tests: number of confirmed means of all views.
    """

    view: str
    plateau: float
    mean: ConfirmedMean
    p: float
    tests: int


def exceeded_plateaus(rows: Any, trials: Any, study: Study) -> tuple[ExceededPlateau, ...]:
    """The declared plateaus that a view is shown to exceed; empty if none is declared, or not all incumbents are confirmed.

    A view that exceeds the best plateau also exceeds its own, so testing both needs no further correction.

    Args:
        rows: DataFrame from `hpstudy.store.Reader.confirmations`, of all searchers.
        trials: DataFrame with a row per trial; the trials of another searcher are those of the view VIEW/SEARCHER.
        study: the resolved study.
    """
    declared, metric, confirm = study.analysis.plateaus, study.metric, study.confirm
    if declared is None or not declared.values or confirm is None or not confirm.incumbents:
        return ()
    data: dict[str, list[Retrained]] = {view: [] for view in study.views}
    for arm in confirmed(study):
        block = gather(trials, arm, (study.replicates, study.search.trials))
        data[arm.partition("/")[0]].append(retrained(rows, block, (metric.name,), metric.goal))
    means = {view: list(_means(of_view, study)) for view, of_view in data.items()}
    tests, best = sum(map(len, means.values())), metric.goal.best(declared.values.values())
    used = [endpoint for endpoint in study.analysis.endpoints if endpoint.has_plateau]
    exceeded = []
    for view, of_view in means.items():
        for plateau in sorted({best if endpoint.of_best_plateau else declared.values[view] for endpoint in used}):
            corrected = [(tests * _p(metric.goal.sign * (mean.value - plateau), plateau, mean), mean) for mean in of_view]
            shown = [one for one in corrected if one[0] < 1 - study.analysis.confidence]
            if shown:
                p, mean = min(shown, key=lambda one: (KINDS.index(one[1].kind), one[0]))
                exceeded.append(ExceededPlateau(view, plateau, mean, p, tests))
    return tuple(exceeded)


def _means(data: Sequence[Retrained], study: Study) -> Iterator[ConfirmedMean]:
    """The confirmed means of a view with a standard error.

    With `on_failure: worst`, a lost training counts as the worst value, so its point is not tested, nor a mean over searches with it.
    """
    name = study.metric.name
    arms = {of_arm.view: _without_failed(of_arm.scores[name], study) for of_arm in data}  # (searches, seeds) each
    default = _without_failed(data[0].default[name][None], study)  # (1, seeds)
    points = np.vstack([default, *arms.values()])  # (points, seeds)
    noise = components(points, crossed=False).noise
    degrees = int((~np.isnan(points)).sum() - (~np.isnan(points)).any(axis=1).sum())

    def of_points(kind: Kind, arm: str, replicates: Sequence[int | None], values: Floats) -> Iterator[ConfirmedMean]:
        counts = (~np.isnan(values)).sum(axis=1)
        for replicate, mean, n in zip(replicates, row_means(values).tolist(), counts.tolist(), strict=True):
            if n and degrees:
                yield ConfirmedMean(kind, arm, replicate, mean, float(np.sqrt(noise / n)), n, degrees)

    yield from of_points("default", data[0].view, [None], default)
    for of_arm in data:
        values = arms[of_arm.view]
        yield from of_points("search", of_arm.view, of_arm.replicates.tolist(), values)
        finals, n = row_means(values), len(values)
        if n > 1 and not np.isnan(finals).any():
            error = float(deviation(finals)) / np.sqrt(n)
            yield ConfirmedMean("searches", of_arm.view, None, float(finals.mean()), float(error), n, n - 1)


def _without_failed(values: Floats, study: Study) -> Floats:
    """(points x seeds) values; all NaN in a row with a lost training, unless lost trainings are dropped."""
    lost = np.isnan(values).any(axis=1, keepdims=True)
    return values if study.metric.on_failure == "drop" else np.where(lost, np.nan, values)


def _p(excess: float, plateau: float, mean: ConfirmedMean) -> float:
    """One-sided p of a mean that is better than the plateau by `excess`; without any spread, 0 or 1."""
    if mean.error == 0:
        return 0.0 if excess > ROUNDING * abs(plateau) else 1.0
    return float(stats.t.sf(excess / mean.error, mean.degrees))
