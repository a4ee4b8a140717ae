"""Confirmation: what the searches of a study chose, and the default points, trained again on fresh seeds.

The score of a search's best trial flatters, because it was chosen for its score (selection). The same point on seeds that no search has
seen tells what it is worth, and how much of a score is luck of the seed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpstudy.engine.checkpoints import CheckpointFile, CheckpointFolder
from hpstudy.engine.confirm_progress import ConfirmObserver
from hpstudy.engine.duration import words
from hpstudy.engine.executors import EXECUTORS, Executor, WorkerDied, default_workers
from hpstudy.engine.loop import Loop, Totals, given_up, reason_of
from hpstudy.engine.session import prepare, reopened, session
from hpstudy.engine.step import RetrainRequest, fresh_seed, retrain
from hpstudy.engine.stop import StopSignal
from hpstudy.engine.trainings import SEEDS, Trainings, left_out, points_to_confirm
from hpstudy.errors import UsageError
from hpstudy.loading.bind import bind
from hpstudy.loading.make import is_sweep
from hpstudy.store import ConfirmationRow, Confirmed, Reader, Store
from hpstudy.study.modules import module_path
from hpstudy.study.plan import SearchKey
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Outcome


@dataclass(frozen=True)
class ConfirmSummary:
    """How a confirmation went.

    Attributes:
        storage: the database.
        trainings: how far it is.
        ran: trainings finished now.
        interrupted: a stop was requested before all was done.
        duration_s: wall seconds.
        left_out: searches that are incomplete, or found no value.
    """

    storage: Path
    trainings: Trainings
    ran: int
    interrupted: bool
    duration_s: float
    left_out: tuple[SearchKey, ...]

    @property
    def complete(self) -> bool:
        """Whether every training asked for ended."""
        return not self.trainings.left

    def sentence(self) -> str:
        """The summary in words."""
        head = "complete" if self.complete else "interrupted" if self.interrupted else "incomplete"
        return f"{head}: {self.trainings.words()}; {self.ran:,} in this run, {words(self.duration_s)}"


def confirm_study(
    storage: Path,
    *,
    seeds: int = SEEDS,
    folder: str | None = None,
    workers: int | None = None,
    executor: str = "processes",
    allow_changed_code: bool = False,
    observer: ConfirmObserver | None = None,
) -> ConfirmSummary:
    """Train the incumbents and default points of the study at `storage` again, where that is left to do.

    Args:
        storage: the database.
        seeds: fresh seeds for each point.
        folder: where a user's module is looked for first; None to use the one in the database.
        workers: steps at a time; the physical cores when None.
        executor: a name in EXECUTORS.
        allow_changed_code: go on although a user's source file is not the one that the database was started with.
        observer: is told what happens.

    Raises:
        UsageError: a sweep, or a study without a complete search.
        StudyChanged: the data or the code are not those of the database.
        StoreError: the database cannot be opened or written.
        DataError: the task's data are missing.
        StudyBroken: the first trainings all failed.
        Aborted: a second signal.
    """
    observer = observer or ConfirmObserver()
    started = time.monotonic()
    workers = workers or default_workers()
    storage = Path(storage).absolute()
    with Reader.open(storage) as reader:
        folder = folder or reader.module_path
        with module_path(folder):
            kind = EXECUTORS.load(executor)
        _refuse(reader)
        loaded = bind(reader.study, folder)
    with reopened(loaded, storage) as store:
        without = left_out(store)
        if without:
            observer.note(f"left out, being incomplete or without a value: {', '.join(map(_name, without))}")
        points = points_to_confirm(store)
        work = _work(points, seeds, store.confirmations())
        stop = StopSignal()
        before = _done(store)
        if work:
            with module_path(folder):
                checkpoints = prepare(store, loaded.task, allow_changed_code, observer)
            with session(store, kind, executor, workers, observer, stop, checkpoints) as runner:
                observer.confirm_started(len(points), seeds, len(work), runner.workers)
                Confirmer(store, runner, observer, stop, work, folder, checkpoints).run()
        trainings = Trainings.of(points, seeds, store.confirmations())
        ran = _done(store) - before
    return ConfirmSummary(storage, trainings, ran, stop.requested, time.monotonic() - started, without)


@dataclass
class _Training:
    """A training that is waiting or under way."""

    of: Confirmed
    seed_number: int
    point: Point
    begun: bool
    deaths: int = 0
    """Workers that died at it in this session."""

    def __str__(self) -> str:
        return f"{self.of}, fresh seed {self.seed_number}"


class Confirmer(Loop[_Training]):
    """Trains a list of points on fresh seeds. A training is stored as running before its step begins.

    Args:
        store: holds the study; this is its only writer.
        executor: runs the steps.
        observer: is told what happens.
        stop: asked before every new step.
        work: the trainings, in order.
        folder: where a user's module is looked for first.
        checkpoints: where long trainings keep their state until they are stored; None to keep it nowhere.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        observer: ConfirmObserver,
        stop: StopSignal,
        work: Sequence[_Training],
        folder: str | None,
        checkpoints: CheckpointFolder | None = None,
    ) -> None:
        super().__init__(store, executor, stop, checkpoints)
        self.observer = observer
        self.folder = folder
        self._waiting = list(reversed(work))
        states = [row.state for row in store.confirmations()]
        self._totals = Totals(states.count("completed"), states.count("failed") + states.count("timed_out"))

    def run(self) -> None:
        """Run until the list is done or a stop is requested.

        Raises:
            StudyBroken: the first `limits.max_failures` trainings failed and none completed.
            StoreError: the database cannot be written; it stays as it was after the last stored training.
        """
        self._run()

    def _next(self) -> _Training | None:
        return self._waiting.pop() if self._waiting else None

    def _submit(self, item: _Training) -> None:
        if item.begun:
            self.store.record_confirmation_attempt(item.of, item.seed_number, "the session that ran it ended")
        else:
            self.store.start_confirmation(item.of, item.seed_number, item.point)
        self._wrote()
        self._evaluate(item)

    def _evaluate(self, item: _Training) -> None:
        request = RetrainRequest(
            self._study_json, item.of.view, item.point, item.seed_number, self.folder, self._checkpoint_of(item)
        )
        self._start(item, retrain, request, self.study.limits.timeout_s)

    def _receive(self, item: _Training, future: Future[Any]) -> None:
        error = future.exception()
        if error is None:
            outcome = future.result()
            self.worked_s += outcome.duration_s
            self._finish(item, outcome)
            return
        if isinstance(error, WorkerDied) and self.stop.requested:
            return  # stays stored as running, and is trained again next time
        item.deaths += isinstance(error, WorkerDied)
        if (given := given_up(error, item.deaths, self.study.limits)) is not None:
            self._finish(item, given)
            return
        self.store.record_confirmation_attempt(item.of, item.seed_number, reason_of(error))
        self.observer.note(f"{item}: {reason_of(error)}; it is run again")
        self._evaluate(item)

    def _finish(self, item: _Training, outcome: Outcome) -> None:
        objective = outcome.metrics.get(self.study.metric.name)
        self.store.finish_confirmation(item.of, item.seed_number, outcome, objective)
        if (checkpoint := self._checkpoint_of(item)) is not None:
            checkpoint.discard()
        self._wrote()
        self._totals.count(outcome)
        self.observer.training_finished(item.of, item.seed_number, outcome, objective)
        self._totals.stop_if_broken(self.study.limits.max_failures)

    def _checkpoint_of(self, item: _Training) -> CheckpointFile | None:
        return self._checkpoint(item.of.view, item.point, fresh_seed(self.study, item.seed_number))


def _refuse(reader: Reader) -> None:
    study = reader.study
    if is_sweep(study):
        raise UsageError(
            f"{study.name} is a sweep, which chooses no point: there is nothing to confirm",
            "its replicates are fresh seeds of every point already; raise `replicates` for more",
        )
    if all(of.replicate is None for of in points_to_confirm(reader)):
        raise UsageError(
            f"{study.name} has no complete search yet, so that nothing was chosen that could be confirmed",
            f"`hpstudy resume {reader.path}` completes its searches",
        )


def _work(points: Mapping[Confirmed, Point], seeds: int, rows: Sequence[ConfirmationRow]) -> list[_Training]:
    """What an earlier session left running, then what is missing: seed by seed, so that half of the work has all points on some."""
    begun = [_Training(row.of, row.seed_number, row.point, begun=True) for row in rows if row.state == "running"]
    known = {(row.of, row.seed_number) for row in rows}
    missing = [
        _Training(of, seed, point, begun=False)
        for seed in range(seeds)
        for of, point in points.items()
        if (of, seed) not in known
    ]
    return begun + missing


def _done(store: Store) -> int:
    return sum(row.state != "running" for row in store.confirmations())


def _name(key: SearchKey) -> str:
    return f"{key.view}/{key.replicate}"
