"""Notes for the user when no worker is available to run steps."""

from __future__ import annotations

import time

from hpstudy.engine.executors import Executor
from hpstudy.engine.progress import Observer

ABSENT_S = 60.0
"""Seconds without a worker before the user is notified. Shorter: a cluster that is starting up causes notes."""


class WorkerAvailability:
    """Notifies the observer when there has been no worker for ABSENT_S, and when there is one again."""

    def __init__(self, executor: Executor, observer: Observer) -> None:
        self._executor = executor
        self._observer = observer
        self._last_s = time.monotonic()
        self._noted = False

    def check(self) -> bool:
        """Whether a worker is available now. Notifies the observer of a change."""
        now_s, available = time.monotonic(), self._executor.workers > 0
        if not available and not self._noted and now_s - self._last_s > ABSENT_S:
            self._observer.note(
                f"no worker for {ABSENT_S:.0f} s; the study is waiting for one. Ctrl-C stops it, and `hpstudy resume` continues it."
            )
            self._noted = True
        if available:
            if self._noted:
                self._observer.note(f"{self._executor.workers} workers are available; the study continues")
            self._last_s, self._noted = now_s, False
        return available
