"""Graceful stop: the first signal stops new work, the second aborts running work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Aborted(KeyboardInterrupt):
    """A second signal arrived: running steps are aborted.

    It is not an `Exception`: with the inline executor it is raised inside a task, and must not become a failed trial.
    """


@contextmanager
def aborting() -> Iterator[None]:
    """Raise Aborted on SIGINT within the body. This works in the main thread only; in other threads it does nothing."""
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
    """A request to stop, set by SIGINT or SIGTERM within `listening`, or by `request`."""

    def __init__(self) -> None:
        self.requested = False

    def request(self) -> None:
        """Request that no new work starts."""
        self.requested = True

    @contextmanager
    def listening(self, announce: Callable[[str], None]) -> Iterator[None]:
        """Handle SIGINT and SIGTERM within the body. In other threads than the main thread, signal handlers are unchanged.

        Args:
            announce: shows the user a message about the effect of a signal.

        Raises:
            Aborted: within the body, at the second signal.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def receive(number: int, _: FrameType | None) -> None:
            if self.requested:
                announce("Aborted. The database is intact; interrupted trials run again on resume.")
                raise Aborted
            self.requested = True
            name = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
            announce(f"{name}: no new trial starts; waiting for running trials to finish. {name} again aborts them.")

        before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
