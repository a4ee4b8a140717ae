"""Stopping in order: the first signal stops new work, the second ends it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Aborted(KeyboardInterrupt):
    """A second signal came: steps under way are given up.

    Not an `Exception`: with the inline executor it is raised in the middle of a task, and must not become a failed trial.
    """


@contextmanager
def aborting() -> Iterator[None]:
    """Raise Aborted at SIGINT while the body runs, which must be in the main thread; elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def receive(_: int, __: FrameType | None) -> None:
        raise Aborted

    before = signal.signal(signal.SIGINT, receive)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class StopSignal:
    """Whether to stop. Set by SIGINT and SIGTERM within `listening`, or by `request`."""

    def __init__(self) -> None:
        self.requested = False

    def request(self) -> None:
        """Start nothing new."""
        self.requested = True

    @contextmanager
    def listening(self, announce: Callable[[str], None]) -> Iterator[None]:
        """Take SIGINT and SIGTERM while the body runs. Elsewhere than in the main thread, signals stay with whoever has them.

        Args:
            announce: tells the user what the first signal does.

        Raises:
            Aborted: within the body, at the second signal.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def receive(number: int, _: FrameType | None) -> None:
            if self.requested:
                announce("Aborted. The database is sound; trials under way are run again on resume.")
                raise Aborted
            self.requested = True
            name = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
            announce(f"{name}: no new trial is started; waiting for those under way. {name} again gives them up.")

        before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
