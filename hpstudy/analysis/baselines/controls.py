"""Comparisons of the searches with their controls: random search and the untuned default point.

The comparison is within a view and paired by replicate. Trial n of replicate r trains with the same seed in the search and in the random
search; the default point trains with the seed of trial 0. A trial without a value leaves the best so far unchanged, or counts as the worst
value of the study's views before the first value of its search.

References:
    Bergstra and Bengio (2012), Random search for hyper-parameter optimization, JMLR 13, https://jmlr.org/papers/v13/bergstra12a.html
    Probst, Boulesteix and Bischl (2019), Tunability, JMLR 20, https://jmlr.org/papers/v20/18-444.html
    Tang et al. (2020), Showing your work doesn't always work, ACL, https://doi.org/10.18653/v1/2020.acl-main.246
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.baselines.expected_best import expected_curve, trials_to_match
from hpstudy.analysis.comparisons.budgets import common
from hpstudy.analysis.comparisons.family import shown_sides
from hpstudy.analysis.comparisons.margin import Side
from hpstudy.analysis.curves.best_so_far import MeanCurve, best_so_far, finite_values, mean_curve, worst_value
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.estimate import CountedEstimate, mean_of
from hpstudy.analysis.statistics.pairing import win_share
from hpstudy.analysis.statistics.student import t_intervals, t_mean
from hpstudy.analysis.statistics.survival import wilson
from hpstudy.analysis.trials.searches import Searches, gather
from hpstudy.goal import Goal
from hpstudy.loading.make import is_sweep
from hpstudy.seeds import derive_seed
from hpstudy.study.controls import arm_name, arms
from hpstudy.study.schema import Study


@dataclass(frozen=True)
class EasyVolume:
    """The share of random points of a view whose value is within the margin of the best known value.

    Attributes:
        points: number of finished trials with random points; a trial without a value is not good.
        good: number of good ones.
        low, high: Wilson interval of the share, with the best known value held fixed.
    """

    points: int
    good: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share of good points; NaN without points."""
        return self.good / self.points if self.points else float("nan")


@dataclass(frozen=True)
class RandomControl:
    """The random searches of a view, compared with the view's own searches.

    Attributes:
        searches: (replicates x trials) values and states of the random searches.
        best: (replicates x trials) best so far of the random searches.
        curve: mean of `best`.
        expected: expected best of random search, from the trials of all complete random searches; None without any.
        replicates: replicates that are complete in both; without any, there is no gap.
        gap: (trials,) paired difference of the best so far, search minus random search, over these replicates, with t intervals; None
            without any.
        shown: side of 0 on which the gap after all trials is shown to lie; None with fewer than two replicates.
        matching: number of random trials whose expected best reaches the mean final best of the searches; None when it exceeds half of
            all random trials, or cannot be computed.
        easy: share of good points; None without a declared margin.
    """

    searches: Searches
    best: Floats
    curve: MeanCurve
    expected: MeanCurve | None
    replicates: Ints
    gap: MeanCurve | None
    shown: Side | None
    matching: int | None
    easy: EasyVolume | None


@dataclass(frozen=True)
class DefaultControl:
    """The default point of a view, and the gain of tuning over it.

    Attributes:
        values: (replicates,) value of the default point; NaN in a replicate that did not train it. A training without a value counts as
            the worst value.
        mean, low, high: mean over replicates and its interval.
        replicates: replicates that are complete in both; without any, there is no gain.
        gain: mean paired difference, final best of the search minus value of the default point, with its t interval; None without
            replicates.
        shown: side of 0 on which the gain is shown to lie; None with fewer than two replicates.
        below: share of these searches whose final best is worse than the default point, counting ties half, with Wilson's interval; None
            without any.
    """

    values: Floats
    mean: float
    low: float
    high: float
    replicates: Ints
    gain: tuple[float, float, float] | None
    shown: Side | None
    below: CountedEstimate | None


@dataclass(frozen=True)
class ViewControls:
    """The controls of one view.

    Attributes:
        curve: mean best so far of the view's own searches.
        random, default: the controls; None for one that is not declared.
    """

    view: str
    curve: MeanCurve
    random: RandomControl | None
    default: DefaultControl | None


@dataclass(frozen=True)
class Controls:
    """The controls of a study.

    Attributes:
        views: in the order of the study.
        best_known: best value of any trial of the searches and the controls; NaN without any.
    """

    views: tuple[ViewControls, ...]
    best_known: float

    def __repr__(self) -> str:
        return f"<Controls of {', '.join(view.view for view in self.views)}>"

    @property
    def complete(self) -> bool:
        """Whether all planned controls have finished."""
        randoms, defaults = ([getattr(view, kind) for view in self.views] for kind in ("random", "default"))
        return all(one is None or one.searches.complete.all() for one in randoms) and not any(
            one is not None and np.isnan(one.values).any() for one in defaults
        )


def controls(trials: Any, study: Study, bootstrap: Bootstrap) -> Controls | None:
    """Compare every view's searches with its controls; None for a study without controls.

    Random search is also a control where `search.others` lists it. `trials` is a DataFrame with one row per trial and the columns view,
    replicate, number, state and objective; the trials of a control have the view name VIEW/CONTROL.
    """
    if not (study.controls or "random" in study.others) or is_sweep(study):
        return None
    search_arms = {name: arm for name, arm in arms(study).items() if not arm.listed}
    blocks = {name: gather(trials, name, (study.replicates, arm.trials)) for name, arm in search_arms.items()}
    goal = study.metric.goal
    worst = worst_value([blocks[view].values for view in study.views], goal)
    # A view without any value is not compared: the worst value of the other views has no meaning there.
    valueless = {view for view in study.views if not blocks[view].valued}
    curves = {name: _Curves.of(block, goal, math.nan if name in valueless else worst) for name, block in blocks.items()}
    values = finite_values([block.values for block in blocks.values()])
    best_known = float(goal.best(values)) if values.size else float("nan")
    sides = {control: _shown_sides(curves, control, study, bootstrap) for control in ("random", "default")}
    views = []
    for view in study.views:
        random, default = (arm_name(view, control) for control in ("random", "default"))
        of_random = of_default = None
        if random in curves:
            of_random = _random(curves[view], curves[random], worst, best_known, study, bootstrap, sides["random"][view])
        if default in curves:
            of_default = _default(curves[view], curves[default], goal, bootstrap, sides["default"][view])
        views.append(ViewControls(view, mean_curve(curves[view].best, bootstrap), of_random, of_default))
    return Controls(tuple(views), best_known)


def easy_volume(
    searches: Searches, best_known: float, margin: float, goal: Goal, confidence: float, *, enqueued: int = 0
) -> EasyVolume:
    """The share of random points whose value is within `margin` (> 0, in units of the metric) of the best known value.

    The first `enqueued` trials of every search are left out, since their points are listed.
    """
    values = searches.values[:, enqueued:][searches.spent[:, enqueued:]]
    good = int(goal.reached(values, best_known - goal.sign * margin).sum())
    return EasyVolume(values.size, good, *wilson(good, values.size, confidence))


@dataclass(frozen=True)
class _Curves:
    """Searches and their (replicates x trials) best so far."""

    searches: Searches
    best: Floats

    @classmethod
    def of(cls, searches: Searches, goal: Goal, worst: float) -> _Curves:
        return cls(searches, best_so_far(searches.values, goal, finished=searches.finished, worst=worst))

    def shared(self, other: _Curves) -> Ints:
        """Replicates that are complete and have values in both."""
        both = common(self.searches.complete, other.searches.complete)
        return both[~(np.isnan(self.best[both]).any(axis=1) | np.isnan(other.best[both]).any(axis=1))]


def _shown_sides(curves: Mapping[str, _Curves], control: str, study: Study, bootstrap: Bootstrap) -> dict[str, Side | None]:
    """For each view, the side of 0 on which final best minus control is shown to lie; the views are one family of tests."""
    differences = {}
    for view in study.views:
        if (arm := curves.get(arm_name(view, control))) is not None:
            both = curves[view].shared(arm)
            differences[view] = curves[view].best[both, -1] - arm.best[both, -1]
    seed = derive_seed(bootstrap.seed, "sign_flip", control)
    return dict(zip(differences, shown_sides(list(differences.values()), bootstrap.confidence, seed), strict=True))


def _random(
    view: _Curves, random: _Curves, worst: float, best_known: float, study: Study, bootstrap: Bootstrap, side: Side | None
) -> RandomControl:
    """Compare the searches of a view with its random searches; `side` is the side of 0 that is shown."""
    goal, margin, block = study.metric.goal, study.analysis.margin, random.searches
    enqueued = len(study.views[view.searches.view].enqueue)
    both = view.shared(random)
    pooled = np.where(np.isnan(block.values), worst, block.values)[block.complete]  # (complete searches, trials)
    expected = matching = None
    if pooled.size and not np.isnan(pooled).any() and not enqueued:
        expected = expected_curve(pooled, goal, bootstrap)
        finals = view.best[view.searches.complete, -1]
        if finals.size and not np.isnan(finals).any():
            matching = trials_to_match(pooled.ravel(), float(finals.mean()), goal)
    return RandomControl(
        searches=block,
        best=random.best,
        curve=mean_curve(random.best, bootstrap),
        expected=expected,
        replicates=both,
        gap=_paired_curve(view.best[both] - random.best[both], bootstrap.confidence) if both.size else None,
        shown=side,
        matching=matching,
        easy=None if margin is None else easy_volume(block, best_known, margin, goal, bootstrap.confidence, enqueued=enqueued),
    )


def _paired_curve(differences: Floats, confidence: float) -> MeanCurve:
    """Mean curve of (replicates x trials) paired differences, no NaN, with t intervals."""
    low, high = t_intervals(differences, confidence)
    return MeanCurve(np.full(differences.shape[1], len(differences)), differences.mean(axis=0), low, high)


def _default(view: _Curves, default: _Curves, goal: Goal, bootstrap: Bootstrap, side: Side | None) -> DefaultControl:
    """Compare the searches of a view with its default point; `side` is the side of 0 that is shown."""
    values, both = default.best[:, 0], view.shared(default)  # (replicates,)
    mean = mean_of(values[~np.isnan(values)], bootstrap)
    gain = below = None
    if both.size:
        tuned = view.best[both, -1]
        estimate = t_mean(tuned - values[both], bootstrap.confidence)
        gain = (estimate.value, estimate.low, estimate.high)
        below = win_share(values[both], tuned, goal, bootstrap.confidence).counted(len(both))
    return DefaultControl(values, mean.value, mean.low, mean.high, both, gain, side, below)
