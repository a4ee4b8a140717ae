"""What a run would do, and how long it would take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpstudy.engine.duration import words
from hpstudy.engine.executors import default_workers
from hpstudy.engine.inline import InlineExecutor
from hpstudy.engine.step import EvaluateRequest, evaluate
from hpstudy.store import Reader
from hpstudy.study.bind import bind_task, completed
from hpstudy.study.changes import refuse_changes
from hpstudy.study.controls import arms
from hpstudy.study.modules import module_path
from hpstudy.study.plan import Plan, SearchKey
from hpstudy.study.schema import Study


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
    """

    study: Study
    storage: Path
    workers: int
    done: dict[SearchKey, int]
    trial_s: dict[str, float | None]
    measured: str

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


def forecast(study: Study, storage: Path, folder: str | None, *, workers: int | None, pilot: bool) -> Forecast:
    """What is left of a study.

    Args:
        study: resolved.
        storage: its database.
        folder: where a user's module is looked for first.
        workers: steps at a time; the physical cores when None.
        pilot: train every view once at its default point, here and now, to know how long a trial takes. Stores nothing.

    Raises:
        StudyChanged: the database is that of another study.
    """
    done: dict[SearchKey, int] = {}
    trial_s, measured = dict[str, float | None].fromkeys(arms(study)), ""
    if storage.exists():
        with Reader.open(storage) as reader:
            refuse_changes(completed(reader.study), study, storage)
            for search, states in reader.search_counts().items():
                done[search] = sum(n for state, n in states.items() if state not in ("planned", "running"))
            trial_s.update(reader.mean_trial_s())
            measured = "from the trials so far"
    if pilot:
        with module_path(folder):
            bind_task(study).prepare()
        executor = InlineExecutor()  # one thread, as in a worker
        for view in study.views:
            point = study.views[view].space.default()
            request = EvaluateRequest(study.to_json(), SearchKey(view, 0), 0, point, folder)
            executor.submit(evaluate, request)  # the first one loads libraries and data
            trial_s[view] = executor.submit(evaluate, request).result().duration_s
            trial_s.update({name: trial_s[view] for name, arm in arms(study).items() if arm.view == view})
        executor.close()
        measured = "from one pilot trial of every view, without asking"
    for name, arm in arms(study).items():
        if trial_s[name] is None:  # a control that has not begun trains what its view does
            trial_s[name] = trial_s[arm.view]
    return Forecast(study, storage, workers or default_workers(), done, trial_s, measured)
