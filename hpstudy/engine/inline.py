"""Runs steps in this process: for notebooks, debuggers and fast functions."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from hpstudy.engine.executors import THREAD_VARIABLES, Answer, Executor, Request, default_workers
from hpstudy.errors import UsageError


class InlineExecutor(Executor):
    """Runs each step when it is submitted, one after another. The returned futures are done.

    Numerical libraries use one thread, as in a worker, so that both executors measure the same bits. A user's code is not isolated: state
    that a trial changes in this process (except random generators) can change later trials and the chosen points.
    """

    def __init__(self, workers: int = 1, logs: Path | None = None) -> None:
        super().__init__(1, None)
        self._before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        self._torch_threads = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        if self._torch_threads is not None:
            sys.modules["torch"].set_num_threads(1)

    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Run the step now.

        Raises:
            UsageError: a timeout was given, which a process cannot enforce on itself.
        """
        if timeout_s is not None:
            raise UsageError(
                "the inline executor cannot end a trial that takes too long",
                "use the executor 'processes', or run without a timeout",
            )
        future: Future[Answer] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(call(request))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self, *, abort: bool = False) -> None:
        """Restore the thread counts of numerical libraries."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if (torch := sys.modules.get("torch")) is not None:
            torch.set_num_threads(self._torch_threads or default_workers())
