"""Number of replicates and fresh seeds that a study needs for its declared endpoints, by resampling a pilot.

A resample draws whole replicates of the pilot with replacement and, for each of them, fresh seeds with replacement, common to its views.
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
from hpstudy.analysis.confirmed.curves import fresh_values, is_incumbent
from hpstudy.analysis.confirmed.endpoints import Curves, EndpointResult, declared_results
from hpstudy.analysis.curves.best_so_far import best_so_far
from hpstudy.analysis.endpoints import level_of_study
from hpstudy.analysis.source import Source
from hpstudy.analysis.trials.searches import Searches, gather
from hpstudy.errors import UsageError
from hpstudy.seeds import derive_seed
from hpstudy.study.declaration import Endpoint
from hpstudy.study.schema import Study

FEWEST = 3
"""Fewest replicates of a pilot: with fewer, no plateau can be estimated from the other replicates of a resample."""

RESAMPLES = 400
"""Resamples for each study size: the standard error of a power of 0.8 is then 0.02."""


@dataclass(frozen=True)
class PlannedEndpoint:
    """Expected precision and power of one endpoint and comparison, for one study size.

    Attributes:
        endpoint: the declaration.
        primary: whether it is a primary endpoint.
        a, b: names of the views; differences are A minus B.
        replicates, seeds: size of the study; replicates include held-out ones.
        difference: difference in the pilot, assumed to be the true one.
        half_width: mean half width of the interval.
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
    confirmed = confirm is not None and confirm.incumbents
    values = np.concatenate([block.values[np.isfinite(block.values)] for block in searches.values()])
    worst = float(goal.worst(values)) if values.size else float("nan")
    fresh: dict[str, Floats] = {}
    whole: Bools = np.logical_and.reduce([block.complete for block in searches.values()])
    for view, block in searches.items():
        if not confirmed or confirm is None:
            fresh[view] = block.values[:, :, None]
            continue
        found = fresh_values(rows, block, confirm.seeds)
        whole = whole & (found.ended.all(axis=2) | ~is_incumbent(block.values, goal)).all(axis=1)
        fresh[view] = np.where(found.ended & np.isnan(found.values), worst, found.values)
    chosen = {view: is_incumbent(block.values[whole], goal) for view, block in searches.items()}
    return Pilot(
        observed={view: best_so_far(block.values[whole], goal) for view, block in searches.items()},
        fresh={view: array[whole] for view, array in fresh.items()},
        latest={
            view: np.maximum.accumulate(np.where(is_one, np.arange(is_one.shape[1]), -1), axis=1)
            for view, is_one in chosen.items()
        },
        worst=worst,
        confirmed=confirmed,
    )


def read_pilot(reader: Source, study: Study) -> tuple[Pilot, float | None]:
    """The pilot in a database, and the target level computed from it.

    Raises:
        UsageError: the study declares no endpoints, the pilot is of another kind, or fewer than 2 of its replicates are complete in
            all views.
    """
    stored = reader.study
    if not study.analysis.endpoints:
        raise UsageError(f"{study.name} declares no endpoints", "add analysis.endpoints to the study file")
    if missing := [view for view in study.views if view not in stored.views]:
        raise UsageError(
            f"the pilot {stored.name} has no view {', '.join(map(repr, missing))}", "choose a pilot with all views of the study"
        )
    for what, of_pilot, of_study in (
        ("metric", stored.metric.name, study.metric.name),
        ("goal", stored.metric.goal, study.metric.goal),
        ("number of trials", stored.search.trials, study.search.trials),
    ):
        if of_pilot != of_study:
            raise UsageError(f"the {what} of the pilot is {of_pilot}, that of {study.name} is {of_study}", "choose another pilot")
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
        pilot: a pilot with at least two replicates.
        study: the study that declares the endpoints; its views are among those of the pilot.
        level: target level of trials-to-target; None without a target.
        replicates: numbers of replicates to evaluate.
        seeds: numbers of fresh seeds of each incumbent to evaluate.
        resamples: number of resamples of each size.
    """
    everything = _curves(pilot, study, np.arange(pilot.replicates), np.tile(np.arange(pilot.seeds), (pilot.replicates, 1)))
    found = declared_results(study, *everything, level)
    for size in replicates:
        for number in seeds:
            rng = np.random.default_rng(derive_seed(study.seed, "power", size, number))
            again = []
            for _ in range(resamples):
                drawn = rng.integers(pilot.replicates, size=size)
                again.append(
                    declared_results(study, *_curves(pilot, study, drawn, rng.integers(pilot.seeds, size=(size, number))), level)
                )
            yield from _planned(found, again, size, number, pilot.confirmed)


def _curves(pilot: Pilot, study: Study, drawn: Ints, seeds: Ints) -> tuple[Curves, Curves]:
    """Confirmed and observed curves of the (replicates,) drawn replicates on their (replicates x seeds) drawn seeds."""
    confirmed, observed = {}, {}
    for view in study.views:
        means = np.take_along_axis(pilot.fresh[view][drawn], seeds[:, None, :], axis=2).mean(axis=2)
        latest = pilot.latest[view][drawn]
        confirmed[view] = np.where(latest >= 0, np.take_along_axis(means, np.maximum(latest, 0), axis=1), pilot.worst)
        observed[view] = pilot.observed[view][drawn]
    whole = np.ones(len(drawn), dtype=np.bool_)
    return Curves(confirmed, whole), Curves(observed, whole)


def _planned(
    found: Sequence[EndpointResult], again: Sequence[Sequence[EndpointResult]], replicates: int, seeds: int, confirmed: bool
) -> Iterator[PlannedEndpoint]:
    for index, result in enumerate(found):
        if result.declared is None:
            continue
        for position, pair in enumerate(result.declared.pairs):
            drawn = [one[index].declared for one in again]
            pairs = [measured.pairs[position] for measured in drawn if measured is not None]
            widths = [(one.estimate.high - one.estimate.low) / 2 for one in pairs]
            side = np.sign(pair.estimate.value)
            hits = [bool(one.shown) and np.sign(one.estimate.value) == side for one in pairs]
            yield PlannedEndpoint(
                result.endpoint,
                result.primary,
                pair.a,
                pair.b,
                replicates,
                seeds,
                pair.estimate.value,
                float(np.mean(widths)),
                float(np.mean(hits)),
                confirmed,
            )
