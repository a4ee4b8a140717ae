"""Telling a person how a confirmation goes."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from hpstudy.engine.duration import words
from hpstudy.engine.progress import Observer
from hpstudy.store import Confirmed
from hpstudy.tasks.outcome import Outcome


class ConfirmObserver(Observer):
    """Is told what happens in a confirmation, and by default says nothing."""

    def confirm_started(self, points: int, seeds: int, left: int, workers: int) -> None:
        """Before the first step: points and fresh seeds of the whole, and the trainings that are left."""

    def training_finished(self, of: Confirmed, seed_number: int, outcome: Outcome, objective: float | None) -> None:
        """A training was stored."""


class ConfirmLines(ConfirmObserver):
    """A line whenever as many trainings ended as there are points, with the time left; one for every training when verbose."""

    def __init__(self, stream: TextIO, verbose: bool) -> None:
        self._stream = stream
        self._verbose = verbose

    def confirm_started(self, points: int, seeds: int, left: int, workers: int) -> None:
        """Say what is left."""
        self._points, self._planned, self._left, self._ran = points, points * seeds, left, 0
        self._started = time.monotonic()
        self._say(
            f"{points:,} points on {seeds} fresh seeds: {left:,} of {self._planned:,} trainings to run, "
            f"{workers} worker{'s' if workers > 1 else ''}"
        )

    def training_finished(self, of: Confirmed, seed_number: int, outcome: Outcome, objective: float | None) -> None:
        """A line, when it is time for one, or when the training gave no value."""
        self._ran += 1
        if self._verbose or outcome.state != "completed":
            value = f" {objective:.6g}" if objective is not None else ""
            why = f": {outcome.failure.type}" if outcome.failure else ""
            self._say(f"  {of}, fresh seed {seed_number}: {outcome.state}{value}{why}")
        left = self._left - self._ran
        if self._ran % self._points == 0 and left > 0:
            each = (time.monotonic() - self._started) / self._ran
            self._say(f"[{self._planned - left:,}/{self._planned:,}] {words(each * left)} left")

    def note(self, text: str) -> None:
        """A line."""
        self._say(text)

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


def confirm_progress(*, verbose: bool = False, quiet: bool = False) -> ConfirmObserver:
    """Lines on stderr, nothing when quiet."""
    return ConfirmObserver() if quiet else ConfirmLines(sys.stderr, verbose)
