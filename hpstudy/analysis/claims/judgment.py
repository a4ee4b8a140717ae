"""Tests of the claims that a study declares.

A claim bounds numbers that are computed for every replicate: a metric at a point, or its difference between two points. The mean of each
number over replicates has a Student t interval; a replicate without the value is left out. Alpha is 1 - confidence of the study.

- The claim *holds* when every interval lies within the claim's bounds: the (1 - alpha) interval for a claim with one bound, both one-sided
  bounds at 1 - alpha for a claim with two (equivalence, as in `comparisons.margin`). Every interval must lie within the bounds, so alpha
  is not corrected for their number (intersection-union test: Berger 1982, https://doi.org/10.1080/00401706.1982.10487790).
- It *does not hold* when at least one (1 - alpha) interval lies entirely outside the bounds. One interval is sufficient, so alpha is
  divided by the number of intervals (Bonferroni).
- In a search with fewer than `ENOUGH` replicates, the verdict of a claim with two bounds is never "holds": a rare large loss may occur
  in no replicate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from typing import Literal

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.comparisons.margin import ENOUGH, Bounds, one_sided
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.analysis.statistics.survival import trials_range
from hpstudy.analysis.sweeps.points import swept_names
from hpstudy.analysis.targets.trials_to_target import attainable
from hpstudy.loading.claims import selected_points
from hpstudy.study.declaration import NUMBERS_OF_TRIALS, TRIALS_TO_TARGET, Criterion, Selection
from hpstudy.study.parameters import Value
from hpstudy.study.space import Point

Verdict = Literal["holds", "does not hold", "inconclusive", "no data"]


@dataclass(frozen=True)
class Contrast:
    """One number that a claim bounds.

    Attributes:
        what: description of the number.
        mean, low, high: the estimate and its interval; NaN where there is none.
        level: confidence level of the interval: the study's confidence, or 1 - 2 alpha for a claim with two bounds.
        replicates: number of replicates.
        above, below: lower and upper bound of the claim; None for a missing one.
        verdict: verdict on this number; "does not hold" at the level corrected for the number of contrasts.
        attainable: range of a difference of trials-to-target if one view never reached the target; None for other numbers.
        withheld: whether the interval lies within two bounds and the verdict is withheld because there are fewer than `ENOUGH` replicates.
    """

    what: str
    mean: float
    low: float
    high: float
    level: float
    replicates: int
    above: float | None
    below: float | None
    verdict: Verdict
    attainable: tuple[float, float] | None = None
    withheld: bool = False

    @property
    def unattainable(self) -> bool:
        """Whether a bound of the claim lies outside the attainable range."""
        if self.attainable is None:
            return False
        lowest, highest = self.attainable
        return any(not lowest <= bound <= highest for bound in (self.above, self.below) if bound is not None)


@dataclass(frozen=True)
class CriterionResult:
    """The result of one claim.

    Attributes:
        claim: as declared in the study.
        metric: name of the metric.
        verdict: joint verdict over all contrasts.
        contrasts: the tested numbers.
    """

    claim: str
    metric: str
    verdict: Verdict
    contrasts: tuple[Contrast, ...]


@dataclass(frozen=True)
class Observed:
    """The values of one view that a claim can refer to.

    Attributes:
        values: for each metric (replicates x trials), NaN where a trial has no value.
        best: in a search, (replicates x trials) number of the best trial so far; -1 before the first value.
        of_searches: trials-to-target and each declared endpoint, by name: (replicates,), NaN for a replicate that is not used.
        points: in a sweep, the point of each trial number, empty if it is not known; no points in a search.
        epochs: in a sweep, (epochs,) numbers of the epochs of `curves`.
        curves: in a sweep, for each metric (replicates x trials x epochs), NaN where a training has no value.
    """

    values: Mapping[str, Floats]
    best: Ints
    of_searches: Mapping[str, Floats] = field(default_factory=dict)
    points: Sequence[Point] = ()
    epochs: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    curves: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class _Values:
    """The (replicates,) values of one selected point, and their description.

    Attributes:
        horizon: for numbers of trials, the number of trials of a search.
        attainable: attainable range of a difference of numbers of trials.
        possible: range in which the mean must lie; infinite unless the values count trials.
    """

    what: str
    values: Floats
    horizon: int | None = None
    attainable: tuple[float, float] | None = None
    possible: tuple[float, float] = (-np.inf, np.inf)


def judge(criterion: Criterion, observed: Mapping[str, Observed], objective: str, bootstrap: Bootstrap) -> CriterionResult:
    """Test one claim on the values of all views; `objective` is the name of the study's metric."""
    metric = criterion.metric or objective
    numbers = list(_claimed_numbers(criterion, observed, metric))
    fewest = 2 if any(view.points for view in observed.values()) else ENOUGH
    contrasts = tuple(_contrast(number, criterion.bounds, bootstrap, len(numbers), fewest) for number in numbers)
    return CriterionResult(criterion.claim, metric, _joint_verdict([each.verdict for each in contrasts]), contrasts)


def _claimed_numbers(criterion: Criterion, observed: Mapping[str, Observed], metric: str) -> Iterator[_Values]:
    """The numbers that must lie within the bounds of the claim; empty where one of the two sides lacks the metric."""
    selected = _selected(criterion.of, observed, metric, criterion.epoch)
    subtrahends = _selected(criterion.minus, observed, metric, criterion.epoch) if criterion.minus is not None else {}
    for epoch, group in selected.items():
        if criterion.minus is not None:
            subtracted = subtrahends.get(epoch, [])
            paired = subtracted * len(group) if len(subtracted) == 1 else subtracted
            yield from (_minus(a, b) for a, b in zip(group, paired, strict=bool(paired)))
        elif criterion.shape == "alike":
            yield from (_minus(a, b) for a, b in combinations(group, 2))
        elif criterion.shape == "rising":
            yield from (_minus(b, a) for a, b in pairwise(group))
        elif criterion.shape == "falling":
            yield from (_minus(a, b) for a, b in pairwise(group))
        else:
            yield from group


def _selected(selection: Selection, observed: Mapping[str, Observed], metric: str, epoch: str) -> dict[int, list[_Values]]:
    """The values of a selection for each point, keyed by epoch where every epoch counts, else by 0."""
    view = observed[selection.view]
    if metric in view.of_searches:
        values = _Values(selection.view, view.of_searches[metric])
        if metric in NUMBERS_OF_TRIALS:
            horizon = view.best.shape[1]
            values = replace(values, horizon=horizon, possible=trials_range(horizon, 0))
        return {0: [values]}
    if metric == TRIALS_TO_TARGET:
        return {}
    if not view.points:
        if selection.at:
            return {}  # the searcher of a sweep cannot be imported here, so the sweep was analyzed as a search
        return {0: _best(selection, view, metric)}
    names = {n: _name(selection.view, n, view.points) for n in selected_points(selection, view.points)}
    if epoch == "last":
        return {0: [_Values(name, view.values[metric][:, n]) for n, name in names.items()]} if metric in view.values else {}
    if metric not in view.curves:
        return {}
    curves = view.curves[metric]  # (replicates, points, epochs)
    # Another metric of the view may have been recorded at more epochs.
    recorded = np.flatnonzero(~np.isnan(curves).all(axis=(0, 1)))
    if epoch == "mean":
        return {0: [_Values(f"{name}, mean over epochs", curves[:, n, recorded].mean(axis=1)) for n, name in names.items()]}
    return {
        int(view.epochs[index]): [
            _Values(f"{name}, epoch {view.epochs[index]}", curves[:, n, index]) for n, name in names.items()
        ]
        for index in recorded
    }


def _best(selection: Selection, view: Observed, metric: str) -> list[_Values]:
    """The metric of the best trial of every search within a budget."""
    values = view.values.get(metric)
    if values is None:
        return []
    budget = min(selection.best_of or values.shape[1], values.shape[1])
    number = view.best[:, budget - 1]
    best = np.where(number >= 0, values[np.arange(len(number)), np.maximum(number, 0)], np.nan)
    return [_Values(f"{selection.view}, best of {budget}", best)]


def _name(view: str, number: int, points: Sequence[Point]) -> str:
    """The name of a point: the hyperparameters that differ between points."""
    names = swept_names(points, tuple(points[number]))
    settings = ", ".join(f"{name} {_text(points[number][name])}" for name in names)
    return f"{view} at {settings}" if settings else view


def _text(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _minus(a: _Values, b: _Values) -> _Values:
    differences, ends = a.values - b.values, None
    both = ~np.isnan(differences)
    if a.horizon is not None and both.any():
        ends = attainable(a.values[both], b.values[both], a.horizon)
    possible = trials_range(a.horizon) if a.horizon is not None else a.possible
    return _Values(f"{a.what} − {b.what}", differences, attainable=ends, possible=possible)


def _contrast(
    claimed: _Values, bounds_of_claim: tuple[float | None, float | None], bootstrap: Bootstrap, number: int, fewest: int
) -> Contrast:
    """One of `number` contrasts; with fewer than `fewest` replicates, a claim with two bounds cannot hold."""
    above, below = bounds_of_claim
    values, confidence = claimed.values[~np.isnan(claimed.values)], bootstrap.confidence  # (replicates with a value,)
    mean, wide = (t_mean(values, level).within(claimed.possible) for level in (confidence, 1 - (1 - confidence) / number))
    level, holds, withheld = confidence, False, False
    if above is not None and below is not None:
        bounds = one_sided(values, bootstrap) if len(values) > 1 else Bounds(np.nan, np.nan)
        level, mean = 2 * confidence - 1, Estimate(mean.value, bounds.lower, bounds.upper).within(claimed.possible)
        bounds = Bounds(mean.low, mean.high)
        withheld = bounds.within(above, below) and len(values) < fewest
        holds = bounds.within(above, below) and not withheld
    elif not np.isnan(mean.low):
        holds = (above is None or mean.low > above) and (below is None or mean.high < below)
    verdict: Verdict = "inconclusive"
    if not len(values):
        verdict = "no data"
    elif holds:
        verdict = "holds"
    elif (above is not None and wide.high < above) or (below is not None and wide.low > below):
        verdict = "does not hold"
    return Contrast(
        claimed.what, mean.value, mean.low, mean.high, level, len(values), above, below, verdict, claimed.attainable, withheld
    )


def _joint_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    if not verdicts or "no data" in verdicts:
        return "no data"
    if "does not hold" in verdicts:
        return "does not hold"
    return "inconclusive" if "inconclusive" in verdicts else "holds"
