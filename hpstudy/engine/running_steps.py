"""The steps that an executor runs now."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from hpstudy.engine.executors import EngineLost, Executor
from hpstudy.engine.step_queue import Step

POLL_S = 1.0
"""Seconds between checks for new workers and signals. Longer: both are noticed later. Shorter: a run with many workers spends more
time on checks."""


class RunningSteps:
    """The steps that an executor runs now, at most one for each of its workers.

    Attributes:
        waited_s: wall seconds that this process spent in steps or waiting for them.
    """

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.waited_s = 0.0
        self._steps: dict[Future[Any], Step] = {}
        self._ended: SimpleQueue[Future[Any]] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def free_workers(self) -> int:
        """The number of workers without a step."""
        return self.executor.workers - len(self._steps)

    def start(self, step: Step, call: Callable[[Any], Any], request: object, timeout_s: float | None = None) -> None:
        """Start a step, which runs `call(request)`, with a time limit in seconds."""
        started = time.perf_counter()
        future = self.executor.submit(call, request, timeout_s)
        self._steps[future] = step
        future.add_done_callback(self._ended.put)
        self.waited_s += time.perf_counter() - started

    def take_ended(self) -> list[tuple[Step, Future[Any]]]:
        """Wait briefly for steps to end, and remove them. Steps that were lost with the engine come last, so that no answer is lost."""
        started = time.perf_counter()
        ended: list[Future[Any]] = []
        with suppress(Empty):
            ended.append(self._ended.get(timeout=POLL_S))
            while True:
                ended.append(self._ended.get_nowait())
        self.waited_s += time.perf_counter() - started
        ended.sort(key=lambda future: isinstance(future.exception(), EngineLost))
        return [(self._steps.pop(future), future) for future in ended]
