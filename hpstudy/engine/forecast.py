"""Forecast of a run: its trials and its duration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpstudy.display import MISSING, Listing, as_html, number
from hpstudy.engine.duration import human_duration
from hpstudy.engine.executors import default_workers
from hpstudy.engine.inline import InlineExecutor
from hpstudy.engine.requests import AskRequest, EvaluateRequest, Trial
from hpstudy.engine.step import ask, evaluate
from hpstudy.engine.stop import aborting
from hpstudy.loading.bind import LoadedStudy, matched
from hpstudy.loading.claims import listed_points
from hpstudy.loading.make import reads_history
from hpstudy.modules import module_path
from hpstudy.search.interface import Observation
from hpstudy.seeds import derive_seed
from hpstudy.store import Counts, Reader, by_arm, planned_counts
from hpstudy.store.paths import database_exists
from hpstudy.study.changes import grown
from hpstudy.study.controls import arms
from hpstudy.study.plan import Plan, SearchKey
from hpstudy.study.schema import Confirm, Study
from hpstudy.study.space import Point

LOADING_S = 60.0
"""A pilot that takes less time is repeated, because the first training of a process also loads libraries and data."""


@dataclass(frozen=True)
class Forecast:
    """The remaining work of a study.

    Attributes:
        study: the resolved study.
        storage: its database, which may not exist yet.
        workers: number of steps at a time.
        counts: trials of each search by state. Confirmations are estimated where their search is incomplete.
        trial_s: mean seconds of one trial of each arm, the choice of its point included; None if unknown.
        measured: the source of `trial_s`, in words.
        train_s: as `trial_s`, without the choice of the point.
        sweep: whether the searcher lists its points, so that no point is chosen or confirmed.
        stacks: whether the task trains the trials of a group in lockstep together.
    """

    study: Study
    storage: Path
    workers: int
    counts: Mapping[SearchKey, Counts]
    trial_s: dict[str, float | None]
    measured: str
    train_s: dict[str, float | None]
    sweep: bool
    stacks: bool

    def __repr__(self) -> str:
        return f"<Forecast of {self.study.name}: {self.sentence()}>"

    def _repr_html_(self) -> str:
        """The arms, for a notebook."""
        rows = self.rows()
        cells = tuple(tuple(map(_cell, row.values())) for row in rows)
        return as_html(f"Forecast of {self.study.name}: {self.sentence()}.", Listing("Trials", tuple(rows[0]), cells))

    def rows(self) -> list[dict[str, Any]]:
        """One row per arm: the views, then the other searchers and controls, then the confirmations."""
        views, counts = self.study.views, by_arm(self.counts)
        return [
            {
                "view": name,
                "method": views[arm.view].method,
                "tuned": " ".join(views[arm.view].space.names()),
                "searches": sum(key.view == name for key in self.counts),
                "planned": counts[name].planned,
                "done": counts[name].finished,
                "left": counts[name].left,
                "trial_s": self.trial_s[name],
            }
            for name, arm in arms(self.study).items()
        ]

    def sentence(self) -> str:
        """The remaining trials and time, in words."""
        left = {key: counts.left for key, counts in self.counts.items()}
        total = Counts.total(self.counts.values())
        if not total.left:
            return "no trials remain"
        counted = total.left - total.estimated
        trials = f"{counted:,} {'trial' if counted == 1 else 'trials'} left"
        if total.estimated:
            trials += f" and about {total.estimated:,} confirmations of incumbents to come"
        trial_s = {name: seconds for name, seconds in self.trial_s.items() if seconds is not None}
        if set(trial_s) != set(arms(self.study)):
            return f"{trials}; --pilot times one trial of every view"
        seconds = Plan(self.study).duration_s(left, trial_s, self.workers, stacks=self.stacks)
        workers = f"{self.workers} {'worker' if self.workers == 1 else 'workers'}"
        return f"{trials}: about {human_duration(seconds)} with {workers} ({self.measured})"

    def lockstep_sentence(self) -> str:
        """How searches run in lockstep, in words; "" if each runs alone."""
        size = self.study.search.lockstep
        if size == 1:
            return ""
        named = arms(self.study)
        groups = [group for group in Plan(self.study).groups() if not named[group[0].view].listed]
        steps = sum(any(self.counts[key].left for key in group) for group in groups)
        text = f"in lockstep: {len(groups)} groups of {size} searches"
        if not self.stacks:
            return f"{text}, whose points are chosen together; the task trains each trial alone"
        return f"{text}, whose trials are trained together; remaining groups: {steps}, the maximum number of busy workers"

    def confirmation_sentence(self) -> str:
        """What `hpstudy confirm` adds to a study that asks for no confirmations; "" for one that does, and for a sweep."""
        if self.study.confirm is not None or self.sweep:
            return ""
        searched = self.study.replicates * (1 + len(self.study.search.others))
        points, seeds = len(self.study.views) * (searched + 1), Confirm().seeds
        added = f"`hpstudy confirm` adds {points * seeds:,} trials ({points:,} points on {seeds} fresh seeds)"
        train_s = [seconds for view in self.study.views if (seconds := self.train_s[view]) is not None]
        if len(train_s) < len(self.study.views):
            return added
        # Every view has the same number of these trials, and they run independently.
        total_s = points * seeds * sum(train_s) / len(train_s)
        return f"{added}: about {human_duration(total_s / min(self.workers, points * seeds))} with {self.workers} workers"


def _cell(value: Any) -> str:
    return MISSING if value is None else number(value) if isinstance(value, float) else str(value)


def forecast(loaded: LoadedStudy, storage: Path, *, workers: int | None, pilot: bool) -> Forecast:
    """The remaining work of a study.

    Args:
        loaded: the study, with its parts.
        storage: its database, which may not exist yet.
        workers: number of steps at a time; None for the number of physical cores.
        pilot: train every view once in this process to measure the duration of a trial: at its default point, in a sweep at its first
            point. Then choose a point after half of the trials. Trials that are trained together are also trained together here. Stores
            nothing.

    Raises:
        StudyChanged: the database belongs to another study.
    """
    study = loaded.study
    trial_s, train_s, measured = dict[str, float](), dict[str, float](), ""
    if database_exists(storage):
        with Reader.open(storage) as reader:
            study = grown(matched(reader.study, study, storage, loaded.module_path), study)
            counts = reader.search_counts(study)
            trial_s, train_s = reader.mean_trial_s(), reader.mean_train_s()
            measured = "from the trials so far"
    else:
        study = study.started()
        counts = planned_counts(study)
    if pilot:
        with module_path(loaded.module_path):
            loaded.task.prepare()
        executor = InlineExecutor()  # one thread, as in a worker
        with aborting():
            for view in study.views:
                point = _pilot_point(loaded, view)
                searches = range(study.search.lockstep if loaded.task.stacks else 1)
                trials = tuple(Trial(SearchKey(view, replicate), 0, point) for replicate in searches)
                request = EvaluateRequest(study.to_json(), trials, loaded.module_path)
                train_s[view] = executor.submit(evaluate, request).result().outcomes[0].duration_s
                if train_s[view] < LOADING_S:
                    train_s[view] = executor.submit(evaluate, request).result().outcomes[0].duration_s
            for name, arm in arms(study).items():
                if not arm.listed and (arm.searcher is None or reads_history(study, arm.searcher)):
                    asking = _pilot_request(loaded, study, name)
                    executor.submit(ask, asking)
                    ask_s = executor.submit(ask, asking).result().duration_s
                    trial_s[name] = train_s[arm.view] + ask_s / len(asking.searches)
        executor.close()
        measured = "from one pilot trial of every view and the choice of one point"
    # An arm without trials takes the training time of its view. For a searcher that was not timed, choosing a point counts as no time.
    each = {
        name: trial_s.get(name, (train_s if arm.listed or arm.searcher else trial_s).get(arm.view))
        for name, arm in arms(study).items()
    }
    trained = {view: train_s.get(view) for view in study.views}
    return Forecast(
        study,
        storage,
        workers or default_workers(),
        counts,
        each,
        measured,
        trained,
        loaded.searcher.lists_points,
        loaded.task.stacks,
    )


def _pilot_request(loaded: LoadedStudy, study: Study, name: str) -> AskRequest:
    """A request for the point after half of the trials of arm `name`. It takes about the mean time of all points.

    The points and values of the earlier trials are random.
    """
    arm = arms(study)[name]
    space, number = study.views[arm.view].space, study.search.trials // 2
    searches = tuple(SearchKey(name, replicate) for replicate in range(study.search.lockstep))
    histories = []
    for search in searches:
        draw = np.random.default_rng(derive_seed(study.seed, "pilot", arm.view, search.replicate))
        points = [space.from_unit(draw.random(len(space)).tolist()) for _ in range(number)]
        values = draw.standard_normal(number)
        past = tuple(
            Observation(index, point, float(value)) for index, (point, value) in enumerate(zip(points, values, strict=True))
        )
        histories.append(past if reads_history(study, arm.searcher) else ())
    return AskRequest(study.to_json(), searches, number, tuple(histories), loaded.module_path)


def _pilot_point(loaded: LoadedStudy, view: str) -> Point:
    """The default point of a view, or the first point of a sweep, whose ranges may contain points that the task rejects."""
    space = loaded.study.views[view].space
    points = listed_points(loaded.searcher, space, loaded.study.search.trials)
    return points[0] if points else space.default()
