"""The outcome of an evaluation that gave no answer, and when a run stops because the study is broken."""

from __future__ import annotations

from dataclasses import dataclass, field

from hpstudy.engine.executors import StepTimedOut, WorkerDied
from hpstudy.errors import HpstudyError, StudyBroken
from hpstudy.study.schema import Limits
from hpstudy.tasks.outcome import Failure, Outcome


def outcome_without_answer(error: BaseException, deaths: int, limits: Limits, trials: int) -> Outcome | None:
    """The outcome to store for each trial of an evaluation that gave none.

    Args:
        error: the exception of the step.
        deaths: worker deaths that count toward the limit, this one included.
        limits: limits of the study.
        trials: number of trials that the step evaluated.

    Returns:
        None if the step may run again.

    Raises:
        BaseException: `error` itself, if it is neither a worker's death nor a timeout.
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
    """The message of an HpstudyError, without its hint; the type and message of any other exception."""
    return error.message if isinstance(error, HpstudyError) else f"{type(error).__name__}: {error}"


@dataclass
class Totals:
    """Counts that decide whether a study is broken from the start.

    Attributes:
        completed: number of evaluations with a value.
        without_value: number of evaluations that failed, timed out or diverged.
        starts_over: whether the study starts over with changed code, because no trial of the database has a value.
        first_failure: first failure in this session.
    """

    completed: int
    without_value: int
    starts_over: bool
    first_failure: Failure | None = field(default=None)

    def count(self, outcome: Outcome, objective: float | None) -> None:
        """Count an evaluation, given its value of the study's metric."""
        if outcome.state == "completed":
            self.completed += 1
            return
        self.without_value += 1
        failure = outcome.failure or Failure("Diverged", f"the study's metric is {objective}")
        self.first_failure = self.first_failure or failure

    def stop_if_broken(self, limit: int) -> None:
        """Raise StudyBroken if `limit` evaluations gave no value and none completed."""
        if self.completed or self.without_value < limit:
            return
        first = self.first_failure or Failure("", "")
        detail = first.traceback or f"{first.type}: {first.message}"
        changed = "the study starts over, because no trial has completed" if self.starts_over else "add --allow-changed-code"
        raise StudyBroken(
            f"the first {self.without_value} trials gave no value and none completed. The first failure:\n{detail}",
            f"fix the cause and run again. If you change the code, {changed}. "
            "After another fix, of the study file or an installed library, delete the database first: otherwise these trials stay failed. "
            "limits.max_failures is the number of such trials after which a run stops.",
        )
