"""Number of replicates and fresh seeds that a study needs for its declared endpoints, by resampling a pilot.

A resample draws whole replicates of the pilot with replacement and, for each of them, fresh seeds without replacement, common to its views.
The noise of a replicate's mean is in the spread of the replicates already, and drawing its seeds with replacement would add it again
(Davison and Hinkley 1997, Bootstrap methods and their application, section 3.8, https://doi.org/10.1017/CBO9780511802843).
The analysis of a resample is that of the study: same plateaus, same tests, same correction. The power is the share of resamples in which
an endpoint shows a difference with the sign of the pilot's difference, if the pilot's difference is the true one. Reference: Efron and
Tibshirani (1993), An introduction to the bootstrap, chapter 25 (power by the bootstrap), https://doi.org/10.1201/9780429246593
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpstudy.analysis.arrays import Bools, Floats, Ints
from hpstudy.analysis.confirmed.curves import fresh_trainings
from hpstudy.analysis.confirmed.endpoints import Curves, EndpointResult, declared_results
from hpstudy.analysis.curves.best_so_far import best_so_far, incumbent_numbers, worst_value
from hpstudy.analysis.endpoints import level_of_study
from hpstudy.analysis.source import Source
from hpstudy.analysis.trials.searches import Searches, gather
from hpstudy.errors import UsageError
from hpstudy.seeds import derive_seed
from hpstudy.study.declaration import Endpoint
from hpstudy.study.schema import Study

FEWEST = 3
"""Minimum number of replicates of a pilot: with fewer, no plateau can be estimated from the other replicates of a resample."""

RESAMPLES = 400
"""Number of resamples for each study size: the standard error of a power of 0.8 is then 0.02."""


@dataclass(frozen=True)
class PlannedEndpoint:
    """Expected precision and power of one endpoint and comparison, for one study size.

    Attributes:
        endpoint: the declaration.
        primary: whether it is a primary endpoint.
        a, b: names of the views; differences are A minus B.
        replicates, seeds: size of the study; replicates include held-out ones.
        difference: difference in the pilot, assumed to be the true one.
        half_width: mean half width of the interval, times sqrt(n / (n - 1)) for n replicates of the pilot, since those that are drawn from
            them have (n - 1) / n of their variance.
        power: share of the resamples in which the difference is shown, with the sign of the pilot's.
        confirmed: whether the pilot confirms all incumbents.
    """

    endpoint: Endpoint
    primary: bool
    a: str
    b: str
    replicates: int
    seeds: int
    difference: float
    half_width: float
    power: float
    confirmed: bool

    def __repr__(self) -> str:
        what = f"{self.endpoint.use.replace('_', ' ')}, {self.a} - {self.b}, {self.replicates} replicates x {self.seeds} seeds"
        return f"<PlannedEndpoint {what}: {self.difference:.4g} ± {self.half_width:.2g}, power {self.power:.0%}>"


@dataclass(frozen=True)
class Pilot:
    """The searches of a pilot that are complete in all views.

    Attributes:
        observed: for each view, (replicates x trials) best so far; NaN before the first value.
        fresh: for each view, (replicates x trials x seeds) value of each trial on each fresh seed; used only for incumbents.
        latest: for each view, (replicates x trials) number of the incumbent; -1 before the first one.
        worst: worst value of any trial.
        confirmed: whether `fresh` holds trainings on fresh seeds; if not, it holds the observed values of the trials.
    """

    observed: Mapping[str, Floats]
    fresh: Mapping[str, Floats]
    latest: Mapping[str, Ints]
    worst: float
    confirmed: bool

    @property
    def replicates(self) -> int:
        """Number of replicates."""
        return len(next(iter(self.observed.values())))

    @property
    def seeds(self) -> int:
        """Number of fresh seeds of each incumbent."""
        return int(next(iter(self.fresh.values())).shape[2])


def pilot_of(rows: Any, searches: Mapping[str, Searches], study: Study) -> Pilot:
    """The pilot in a database.

    A training on a fresh seed without a value counts as the worst value, regardless of `metric.on_failure`.

    Args:
        rows: DataFrame from `hpstudy.store.Reader.confirmations`.
        searches: the trials of every view.
        study: the study of the pilot.
    """
    goal, confirm = study.metric.goal, study.confirm
    worst = worst_value([block.values for block in searches.values()], goal)
    fresh: dict[str, Floats] = {}
    complete: Bools = np.logical_and.reduce([block.complete for block in searches.values()])  # (replicates,)
    for view, block in searches.items():
        fresh[view] = block.values[:, :, None]
        if confirm is not None and confirm.incumbents:
            trainings = fresh_trainings(rows, block, confirm.seeds)
            complete = complete & trainings.complete(block, goal)
            fresh[view] = np.where(trainings.ended & np.isnan(trainings.values), worst, trainings.values)
    values = {view: block.values[complete] for view, block in searches.items()}
    return Pilot(
        observed={view: best_so_far(of_view, goal) for view, of_view in values.items()},
        fresh={view: array[complete] for view, array in fresh.items()},
        latest={view: incumbent_numbers(of_view, goal) for view, of_view in values.items()},
        worst=worst,
        confirmed=confirm is not None and confirm.incumbents,
    )


def read_pilot(reader: Source, study: Study) -> tuple[Pilot, float | None]:
    """The pilot in a database, and the target level computed from it.

    Raises:
        UsageError: the study declares no endpoints, the pilot is of another kind, or fewer than `FEWEST` of its replicates are complete in
            all views.
    """
    stored = reader.study
    if not study.analysis.endpoints:
        raise UsageError(f"{study.name} declares no endpoints", "add analysis.endpoints to the study file")
    if missing := [view for view in study.views if view not in stored.views]:
        raise UsageError(
            f"the pilot {stored.name} has no view {', '.join(map(repr, missing))}", "choose a pilot with all views of the study"
        )
    for setting, of_pilot, of_study in (
        ("metric", stored.metric.name, study.metric.name),
        ("goal", stored.metric.goal, study.metric.goal),
        ("number of trials", stored.search.trials, study.search.trials),
    ):
        if of_pilot != of_study:
            raise UsageError(
                f"the {setting} of the pilot is {of_pilot}, that of {study.name} is {of_study}", "choose another pilot"
            )
    table = reader.trials()
    searches = {view: gather(table, view, (stored.replicates, stored.search.trials)) for view in study.views}
    pilot = pilot_of(reader.confirmations(), searches, stored)
    if pilot.replicates < FEWEST:
        raise UsageError(
            f"{stored.name}: {pilot.replicates} replicates are complete, with their confirmations, in all views of {study.name}; at least "
            f"{FEWEST} are needed",
            "complete the pilot, or choose another one",
        )
    best = {view: best_so_far(block.values, study.metric.goal) for view, block in searches.items()}
    return pilot, level_of_study(study, searches, best).value


def plan_endpoints(
    pilot: Pilot,
    study: Study,
    level: float | None,
    replicates: Sequence[int],
    seeds: Sequence[int],
    *,
    resamples: int = RESAMPLES,
) -> Iterator[PlannedEndpoint]:
    """Power of every declared endpoint and comparison, for all study sizes.

    Args:
        pilot: a pilot with at least `FEWEST` replicates.
        study: the study that declares the endpoints; its views are among those of the pilot.
        level: target level of trials-to-target; None without a target.
        replicates: numbers of replicates to evaluate.
        seeds: numbers of fresh seeds of each incumbent to evaluate. Seeds beyond those of the pilot repeat them and show no further gain.
        resamples: number of resamples of each size.
    """
    all_seeds = np.tile(np.arange(pilot.seeds), (pilot.replicates, 1))  # (replicates, seeds)
    in_pilot = declared_results(study, *_curves(pilot, study, np.arange(pilot.replicates), all_seeds), level)
    for size in replicates:
        for number in seeds:
            rng = np.random.default_rng(derive_seed(study.seed, "power", size, number))
            resampled = []
            for _ in range(resamples):
                rows, order = rng.integers(pilot.replicates, size=size), np.argsort(rng.random((size, pilot.seeds)), axis=1)
                seeds_of_rows = np.tile(order, -(-number // pilot.seeds))[:, :number]  # (size, number)
                resampled.append(declared_results(study, *_curves(pilot, study, rows, seeds_of_rows), level))
            yield from _planned(in_pilot, resampled, size, number, pilot)


def _curves(pilot: Pilot, study: Study, rows: Ints, seeds: Ints) -> tuple[Curves, Curves]:
    """Confirmed and observed curves of the (replicates,) drawn rows of the pilot on their (replicates x seeds) drawn seeds."""
    confirmed, observed = {}, {}
    for view in study.views:
        means = np.take_along_axis(pilot.fresh[view][rows], seeds[:, None, :], axis=2).mean(axis=2)  # (replicates, trials)
        latest = pilot.latest[view][rows]
        confirmed[view] = np.where(latest >= 0, np.take_along_axis(means, np.maximum(latest, 0), axis=1), pilot.worst)
        observed[view] = pilot.observed[view][rows]
    complete = np.ones(len(rows), dtype=np.bool_)
    return Curves(confirmed, complete), Curves(observed, complete)


def _planned(
    in_pilot: Sequence[EndpointResult],
    resampled: Sequence[Sequence[EndpointResult]],
    replicates: int,
    seeds: int,
    pilot: Pilot,
) -> Iterator[PlannedEndpoint]:
    """The precision and power of each endpoint and comparison, from the results of the resamples."""
    expansion = np.sqrt(pilot.replicates / (pilot.replicates - 1))
    for index, result in enumerate(in_pilot):
        if result.declared is None:
            continue
        for position, pair in enumerate(result.declared.pairs):
            measurements = [results[index].declared for results in resampled]
            pairs = [each.pairs[position] for each in measurements if each is not None]
            side = np.sign(pair.estimate.value)
            yield PlannedEndpoint(
                endpoint=result.endpoint,
                primary=result.primary,
                a=pair.a,
                b=pair.b,
                replicates=replicates,
                seeds=seeds,
                difference=pair.estimate.value,
                half_width=float(np.mean([(each.estimate.high - each.estimate.low) / 2 for each in pairs]) * expansion),
                power=float(np.mean([bool(each.shown) and np.sign(each.estimate.value) == side for each in pairs])),
                confirmed=pilot.confirmed,
            )
