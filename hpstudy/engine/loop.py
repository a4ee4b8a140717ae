"""What every loop over steps has in common: free workers get steps, answers are stored, a signal stops new work."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from hpstudy.engine.checkpoints import CheckpointFile, CheckpointFolder
from hpstudy.engine.executors import Executor, StepTimedOut, WorkerDied
from hpstudy.engine.stop import StopSignal
from hpstudy.errors import HpstudyError, StudyBroken
from hpstudy.store import HEARTBEAT_S, Store
from hpstudy.study.schema import Limits, Study
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Failure, Outcome

Item = TypeVar("Item")


class Loop(ABC, Generic[Item]):
    """Gives steps to workers, at most as many as the executor has, until none is left or a stop is requested.

    Args:
        store: holds the study; this is its only writer.
        executor: runs the steps.
        stop: asked before every new step.
        checkpoints: where long trainings keep their state; None to keep it nowhere.

    Attributes:
        waited_s: wall seconds that this process spent in steps, or waiting for workers.
        worked_s: seconds that all steps took together; for a training that went on from a checkpoint, those of earlier sessions too.
    """

    def __init__(self, store: Store, executor: Executor, stop: StopSignal, checkpoints: CheckpointFolder | None) -> None:
        self.store = store
        self.study: Study = store.study
        self.executor = executor
        self.stop = stop
        self.checkpoints = checkpoints
        self._study_json = self.study.to_json()
        self._under_way: dict[Future[Any], Item] = {}
        self._last_write = time.monotonic()
        self.waited_s = 0.0
        self.worked_s = 0.0

    @abstractmethod
    def _next(self) -> Item | None:
        """What is to be done next; None when nothing is waiting."""

    @abstractmethod
    def _submit(self, item: Item) -> None:
        """Start a step of `item`."""

    @abstractmethod
    def _receive(self, item: Item, future: Future[Any]) -> None:
        """Take the answer of a step of `item`, and store it."""

    def _run(self) -> None:
        while True:
            self._fill()
            if not self._under_way:
                return
            started = time.perf_counter()
            done, _ = wait(self._under_way, timeout=HEARTBEAT_S, return_when=FIRST_COMPLETED)
            self.waited_s += time.perf_counter() - started
            for future in done:
                self._receive(self._under_way.pop(future), future)
            if time.monotonic() - self._last_write > HEARTBEAT_S:
                self.store.heartbeat()
                self._wrote()

    def _fill(self) -> None:
        """Give every free worker the first step that is waiting."""
        while len(self._under_way) < self.executor.workers and not self.stop.requested:
            item = self._next()
            if item is None:
                return
            self._submit(item)

    def _start(self, item: Item, step: Callable[[Any], Any], request: object, timeout_s: float | None = None) -> None:
        started = time.perf_counter()
        self._under_way[self.executor.submit(step, request, timeout_s)] = item
        self.waited_s += time.perf_counter() - started

    def _checkpoint(self, view: str, point: Point, seed: int) -> CheckpointFile | None:
        if self.checkpoints is None:
            return None
        return self.checkpoints.file(self.study.task, self.study.views[view], point, seed)

    def _wrote(self) -> None:
        self._last_write = time.monotonic()


def given_up(error: BaseException, deaths: int, limits: Limits) -> Outcome | None:
    """How an evaluation that gave no outcome ends.

    Args:
        error: its step's exception.
        deaths: workers that died at it, this one included.
        limits: the study's.

    Returns:
        None when it may be tried again.

    Raises:
        BaseException: `error` itself, when it is neither a worker's death nor a time-out.
    """
    if isinstance(error, StepTimedOut):
        failure = Failure("TimeoutError", f"{error.message} (limits.timeout_s)")
        return Outcome("timed_out", {}, failure=failure, duration_s=limits.timeout_s or 0.0)
    if not isinstance(error, WorkerDied):
        raise error
    if deaths < limits.max_attempts:
        return None
    return Outcome("failed", {}, failure=Failure("WorkerDied", f"{deaths} times; the last time: {error}"))


def reason_of(error: BaseException) -> str:
    """The message of an error, without its hint."""
    return error.message if isinstance(error, HpstudyError) else str(error)


@dataclass
class Totals:
    """What decides whether a study is broken from the start.

    Attributes:
        completed: evaluations with a value.
        failed: evaluations that failed or ran out of time.
        first_failure: of this session.
    """

    completed: int
    failed: int
    first_failure: Failure | None = field(default=None)

    def count(self, outcome: Outcome) -> None:
        """Count one more evaluation."""
        self.completed += outcome.state == "completed"
        if outcome.state in ("failed", "timed_out"):
            self.failed += 1
            self.first_failure = self.first_failure or outcome.failure

    def stop_if_broken(self, limit: int) -> None:
        """Raises StudyBroken when `limit` evaluations failed and none completed."""
        if self.completed or self.failed < limit:
            return
        first = self.first_failure or Failure("", "")
        detail = first.traceback or f"{first.type}: {first.message}"
        raise StudyBroken(
            f"the first {self.failed} trials failed and none completed. The first failure:\n{detail}",
            "mend the cause and run again; a changed function needs a new --storage (or --allow-changed-code)",
        )
