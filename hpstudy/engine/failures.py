"""Evaluations that give no outcome, and when a whole study is given up."""

from __future__ import annotations

from dataclasses import dataclass, field

from hpstudy.engine.executors import StepTimedOut, WorkerDied
from hpstudy.errors import HpstudyError, StudyBroken
from hpstudy.study.schema import Limits
from hpstudy.tasks.outcome import Failure, Outcome


def given_up(error: BaseException, deaths: int, limits: Limits, trials: int) -> Outcome | None:
    """How each trial of an evaluation that gave no outcome ends.

    Args:
        error: its step's exception.
        deaths: workers that died at it and count, this one included.
        limits: the study's.
        trials: how many it evaluated.

    Returns:
        None when it may be tried again.

    Raises:
        BaseException: `error` itself, when it is neither a worker's death nor a time-out.
    """
    if isinstance(error, StepTimedOut):
        failure = Failure("TimeoutError", f"{error.message} (limits.timeout_s)")
        duration_s = (limits.timeout_s or 0.0) / trials
        return Outcome("timed_out", {}, failure=failure, duration_s=duration_s, environment=error.environment)
    if not isinstance(error, WorkerDied):
        raise error
    if deaths < limits.max_attempts:
        return None
    failure = Failure("WorkerDied", f"{deaths} times; the last time: {error}")
    return Outcome("failed", {}, failure=failure, environment=error.environment)


def reason_of(error: BaseException) -> str:
    """The message of one of our errors, without its hint; the type and message of any other."""
    return error.message if isinstance(error, HpstudyError) else f"{type(error).__name__}: {error}"


@dataclass
class Totals:
    """What decides whether a study is broken from the start.

    Attributes:
        completed: evaluations with a value.
        without_value: evaluations that failed, ran out of time, or diverged.
        first_failure: of this session.
    """

    completed: int
    without_value: int
    first_failure: Failure | None = field(default=None)

    def count(self, outcome: Outcome, objective: float | None) -> None:
        """Count one more evaluation, with its value of the study's metric."""
        if outcome.state == "completed":
            self.completed += 1
            return
        self.without_value += 1
        failure = outcome.failure or Failure("Diverged", f"the study's metric is {objective}")
        self.first_failure = self.first_failure or failure

    def stop_if_broken(self, limit: int) -> None:
        """Raises StudyBroken when `limit` evaluations gave no value and none completed."""
        if self.completed or self.without_value < limit:
            return
        first = self.first_failure or Failure("", "")
        detail = first.traceback or f"{first.type}: {first.message}"
        raise StudyBroken(
            f"the first {self.without_value} trials gave no value and none completed. The first failure:\n{detail}",
            "Fix the cause and run again. If you change the code, the study starts over, because no trial has completed. "
            "limits.max_failures sets after how many such trials a run ends.",
        )
