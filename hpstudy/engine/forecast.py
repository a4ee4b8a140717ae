"""What a run would do, and how long it would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpstudy.engine.duration import words
from hpstudy.engine.executors import default_workers
from hpstudy.engine.inline import InlineExecutor
from hpstudy.engine.step import EvaluateRequest, evaluate
from hpstudy.engine.trainings import SEEDS, Trainings, points_to_confirm, seeds_begun
from hpstudy.loading.bind import LoadedStudy, matched
from hpstudy.loading.claims import listed_points
from hpstudy.store import ConfirmationRow, Confirmed, Reader
from hpstudy.study.controls import arms
from hpstudy.study.modules import module_path
from hpstudy.study.plan import Plan, SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point


@dataclass(frozen=True)
class Forecast:
    """The work of a study.

    Attributes:
        study: resolved.
        storage: its database, which need not be there yet.
        workers: steps at a time.
        done: finished trials of each search.
        trial_s: mean seconds of one trial by view and control, asking included; None for a view of which nothing is known.
        measured: how `trial_s` is known, in words.
        train_s: the same without asking.
        confirmation: what `hpstudy confirm` would do after that, and has done; None for a sweep.
    """

    study: Study
    storage: Path
    workers: int
    done: dict[SearchKey, int]
    trial_s: dict[str, float | None]
    measured: str
    train_s: dict[str, float | None]
    confirmation: Trainings | None

    def rows(self) -> list[dict[str, Any]]:
        """A row per view, then one per control."""
        views, replicates = self.study.views, self.study.replicates
        done = {name: sum(n for search, n in self.done.items() if search.view == name) for name in arms(self.study)}
        return [
            {
                "view": name,
                "method": views[arm.view].method,
                "tuned": " ".join(views[arm.view].space.names()),
                "searches": replicates,
                "planned": replicates * arm.trials,
                "done": done[name],
                "left": replicates * arm.trials - done[name],
                "trial_s": self.trial_s[name],
            }
            for name, arm in arms(self.study).items()
        ]

    def sentence(self) -> str:
        """The time that the rest takes."""
        plan = Plan(self.study)
        left = sum(plan.remaining(self.done).values())
        if not left:
            return "nothing is left to run"
        known = {view: seconds for view, seconds in self.trial_s.items() if seconds is not None}
        if set(known) != set(arms(self.study)):
            return f"{left:,} trials left; --pilot times one trial of every view"
        seconds = plan.duration_s(self.done, known, self.workers)
        return f"{left:,} trials left: about {words(seconds)} with {self.workers} workers ({self.measured})"

    def confirmation_sentence(self) -> str:
        """What a confirmation takes once the study is complete; "" for a sweep. Its trainings do not wait for each other."""
        found = self.confirmation
        if found is None:
            return ""
        head = f"confirmation (`hpstudy confirm`, {found.size()}): "
        if not found.left:
            return f"{head}nothing is left to run"
        seconds = [each for view in self.study.views if (each := self.train_s[view]) is not None]
        left = f"{head}{found.left:,} of {found.planned:,} trainings left"
        if len(seconds) < len(self.study.views):
            return left
        # The views have about as many trainings left: all points are trained on one seed, then on the next.
        total_s = found.left * sum(seconds) / len(seconds)
        return f"{left}: about {words(total_s / min(self.workers, found.left))} with {self.workers} workers"


def forecast(loaded: LoadedStudy, storage: Path, *, workers: int | None, pilot: bool) -> Forecast:
    """The remaining work of a study.

    Args:
        loaded: the study, with its parts.
        storage: its database, which may not exist yet.
        workers: steps at a time; the physical cores when None.
        pilot: train every view once, here and now, to know how long a trial takes: at its default point, in a sweep at its first one.
            Stores nothing.

    Raises:
        StudyChanged: the database is that of another study.
    """
    study, done = loaded.study, dict[SearchKey, int]()
    trial_s, measured = dict[str, float | None].fromkeys(arms(study)), ""
    train_s, rows, stored = dict(trial_s), list[ConfirmationRow](), list[Confirmed]()
    if storage.exists():
        with Reader.open(storage) as reader:
            matched(reader.study, study, storage, loaded.module_path)
            for search, states in reader.search_counts().items():
                done[search] = sum(n for state, n in states.items() if state not in ("planned", "running"))
            trial_s.update(reader.mean_trial_s())
            train_s.update(reader.mean_train_s())
            rows = reader.confirmation_rows()
            stored = list(points_to_confirm(reader)) if rows else []
            measured = "from the trials so far"
    if pilot:
        with module_path(loaded.module_path):
            loaded.task.prepare()
        executor = InlineExecutor()  # one thread, as in a worker
        for view in study.views:
            point = _pilot_point(loaded, view)
            request = EvaluateRequest(study.to_json(), SearchKey(view, 0), 0, point, loaded.module_path)
            executor.submit(evaluate, request)  # the first one loads libraries and data
            trial_s[view] = executor.submit(evaluate, request).result().duration_s
            trial_s.update({name: trial_s[view] for name, arm in arms(study).items() if arm.view == view})
            train_s[view] = trial_s[view]
        executor.close()
        measured = "from one pilot trial of every view, without asking"
    for name, arm in arms(study).items():
        if trial_s[name] is None:  # a control that has not begun trains what its view does
            trial_s[name] = trial_s[arm.view]
    trainings = None if loaded.searcher.lists_points else _trainings(study, done, stored, rows)
    return Forecast(study, storage, workers or default_workers(), done, trial_s, measured, train_s, trainings)


def _pilot_point(loaded: LoadedStudy, view: str) -> Point:
    """The default point of a view; of a sweep, whose ranges may hold points that the task refuses, the first point."""
    space = loaded.study.views[view].space
    points = listed_points(loaded.searcher, space, loaded.study.search.trials)
    return points[0] if points else space.default()


def _trainings(
    study: Study, done: Mapping[SearchKey, int], stored: Sequence[Confirmed], rows: Sequence[ConfirmationRow]
) -> Trainings:
    """The confirmation of the complete study: a point of every view and of every search.

    Args:
        study: resolved.
        done: finished trials of each search.
        stored: what would be trained again now; only asked for where there are `rows`.
        rows: what was trained again.
    """
    if not rows:
        return Trainings(len(study.views) * (study.replicates + 1), SEEDS, {})
    running = [search for search in Plan(study).remaining(done) if search.view in study.views]
    ended = [of for of in stored if of.replicate is None or SearchKey(of.view, of.replicate) not in running]
    found = Trainings.of(ended, seeds_begun(rows), rows)
    return replace(found, points=found.points + len(running))
