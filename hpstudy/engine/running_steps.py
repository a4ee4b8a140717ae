"""The steps that an executor runs now."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from hpstudy.engine.executors import EngineLost, Executor, WorkerLost
from hpstudy.engine.requests import AskRequest, EvaluateRequest, TrialKey
from hpstudy.engine.step_queue import Step, trials_text
from hpstudy.errors import HpstudyError

POLL_S = 1.0
"""Seconds between checks for new workers and signals. Longer: both are noticed later. Shorter: a run with many workers spends more
time on checks."""


class WrongAnswer(HpstudyError):
    """An executor returned the answer of another step. The run ends; what it returned is not stored."""


class EndedStep(NamedTuple):
    """A step that has ended: with its answer, or with the error that it ended with."""

    step: Step
    answer: Any
    error: BaseException | None

    @property
    def ends_run(self) -> bool:
        """Whether its error ends the run."""
        return isinstance(self.error, EngineLost | WrongAnswer)


class RunningSteps:
    """The steps that an executor runs now, at most one for each of its workers.

    Attributes:
        waited_s: wall seconds that this process spent in steps or waiting for them.
    """

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.waited_s = 0.0
        self._steps: dict[Future[Any], tuple[Step, tuple[TrialKey, ...]]] = {}
        self._ended: SimpleQueue[Future[Any]] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def free_workers(self) -> int:
        """The number of workers without a step."""
        return self.executor.workers - len(self._steps)

    def start(
        self, step: Step, call: Callable[[Any], Any], request: AskRequest | EvaluateRequest, timeout_s: float | None = None
    ) -> None:
        """Start a step, which runs `call(request)`, with a time limit in seconds.

        Raises:
            WrongAnswer: the executor returned the future of another running step.
        """
        started = time.perf_counter()
        future = self.executor.submit(call, request, timeout_s)
        if future in self._steps:
            raise self._mixed_up(request.keys, f"the future of '{trials_text(self._steps[future][1])}'")
        self._steps[future] = step, request.keys
        future.add_done_callback(self._ended.put)
        self.waited_s += time.perf_counter() - started

    def take_ended(self) -> list[EndedStep]:
        """Wait briefly for steps to end, and remove them. Steps whose error ends the run come last, so that no answer is lost."""
        started = time.perf_counter()
        ended: list[Future[Any]] = []
        with suppress(Empty):
            ended.append(self._ended.get(timeout=POLL_S))
            while True:
                ended.append(self._ended.get_nowait())
        self.waited_s += time.perf_counter() - started
        return sorted(map(self._remove, ended), key=lambda step: step.ends_run)

    def _remove(self, future: Future[Any]) -> EndedStep:
        """Remove the step of a future that is done. An answer counts only if it names the trials of this step."""
        step, keys = self._steps.pop(future)
        if future.cancelled():
            return EndedStep(step, None, WorkerLost("the executor canceled the step"))
        if (error := future.exception()) is not None:
            return EndedStep(step, None, error)
        answer = future.result()
        if (named := getattr(answer, "keys", None)) == keys:
            return EndedStep(step, answer, None)
        returned = f"the answer of '{trials_text(named)}'" if isinstance(named, tuple) and named else "no answer of a step"
        return EndedStep(step, None, self._mixed_up(keys, f"{returned}, which was not stored"))

    def _mixed_up(self, keys: tuple[TrialKey, ...], returned: str) -> WrongAnswer:
        return WrongAnswer(
            f"the executor {type(self.executor).__name__} mixed up steps: for '{trials_text(keys)}' it returned {returned}",
            "this is a mistake in the executor, which hpstudy.testing.executors can find; `hpstudy resume` with another --executor "
            "continues the study",
        )
