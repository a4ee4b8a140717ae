"""Whether any worker is there to run steps."""

from __future__ import annotations

import time

from hpstudy.engine.executors import Executor
from hpstudy.engine.progress import Observer

ABSENT_S = 60.0
"""How long no worker may be there before the user hears of it. Shorter: a cluster that is starting up causes notes."""


class Attendance:
    """Notes when no worker has been there for ABSENT_S, and when one is there again."""

    def __init__(self, executor: Executor, observer: Observer) -> None:
        self._executor = executor
        self._observer = observer
        self._last = time.monotonic()
        self._noted = False

    def check(self) -> bool:
        """Whether a worker is there now."""
        now, here = time.monotonic(), self._executor.workers > 0
        if not here and not self._noted and now - self._last > ABSENT_S:
            self._observer.note(
                f"no worker has been there for {ABSENT_S:.0f} s: the study waits for one. Ctrl-C ends it; `hpstudy resume` continues it."
            )
            self._noted = True
        if here:
            if self._noted:
                self._observer.note(f"{self._executor.workers} workers are there: the study continues")
            self._last, self._noted = now, False
        return here
