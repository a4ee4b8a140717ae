"""What is trained: the interface of every task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from hpstudy.checkpoint import Checkpoint
from hpstudy.errors import Problem
from hpstudy.study.schema import View
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Valued

Result = Mapping[str, Any] | float | Valued
"""What a task returns for a trial."""


class Report(Protocol):
    """Takes the metrics of one epoch as they come."""

    def __call__(self, epoch: int, **metrics: float) -> None:
        """Record `metrics` at `epoch`, a whole number (from 1), each metric once per epoch."""

    @property
    def checkpoint(self) -> Checkpoint:
        """Keeps the state of a long training, from which an interrupted trial continues."""


class Task(ABC):
    """One thing that is trained and measured, the same for every view of a study.

    Life cycle: made from its settings whenever a study is read (so construction and the checks import no heavy library);
    `prepare` once per run, before the first trial, in the process that owns the database; then `evaluate` many times, in any
    worker process. A worker keeps one task object for all trials of a built-in task. A trial with a part of the user's own runs in a
    copy of a process in which the task was made and `warm_up` called.
    """

    Settings: ClassVar[type[BaseModel]]
    """The task's own keys of the study's `task` block; unknown keys are refused."""
    stacks: ClassVar[bool] = False
    """Whether `evaluate_many` trains together, so that the trials of a group (`search.lockstep`) are one step in one process. Otherwise
    each of them is a step of its own."""

    def __init__(self, settings: BaseModel) -> None:
        self.settings = settings

    @abstractmethod
    def objectives(self) -> Sequence[str] | None:
        """The metrics that a search may optimise; None when they are not known before the first trial (a user's function)."""

    @abstractmethod
    def check_view(self, view: View) -> list[Problem]:
        """What is wrong with a view of this task: keys are relative to the view, for instance ("space", "alpha", "low")."""

    def check_point(self, view: View, point: Point) -> list[str]:
        """Why a point of a view is refused as a whole, although each of its values is fine by itself.

        Asked only about a view without problems, at the points that `hpstudy.loading.joint` says. By default nothing is refused.
        """
        return []

    def check_views(self, views: Mapping[str, View]) -> list[Problem]:
        """What is wrong with the settings, or with a view, in sight of all views: keys are those of the study.

        Asked only when the form of every view is valid. By default nothing.
        """
        return []

    def complete_view(self, view: View) -> View:
        """The view with every hyperparameter that it leaves open held fixed at the task's default."""
        return view

    def prepare(self) -> None:
        """Make ready what all trials share, such as a feature cache. Raises DataError when something must be fetched first."""

    def identity(self) -> dict[str, str]:
        """What determines numbers beside the settings: checksums of data, of a user's source file. Called after `prepare`."""
        return {}

    def sources(self) -> dict[str, str]:
        """Checksums of the user's files that each trial reads, under the names of `hpstudy.sources`. Called after each trial.

        They are part of `identity`.
        """
        return {}

    def warm_up(self) -> None:
        """Import libraries and load data that all trials share. What is loaded here is not loaded again for each trial."""

    @abstractmethod
    def evaluate(self, view: View, point: Point, seed: int, report: Report) -> Result:
        """Train and measure once.

        Args:
            view: the view that the point belongs to, for its method and fixed values.
            point: the tuned hyperparameters.
            seed: of this trial's training, in [0, 2**31) for a user's own task unless the study's `seed_bits` is 63; it does not depend on
                the view, so that views are compared on common random numbers.
            report: takes the metrics of every epoch, and checkpoints.

        Returns:
            The trial's metrics by name, the objective among them; or the objective alone. Other values than numbers are kept as
            attributes.

        Raises:
            Diverged: when training went out of bounds.
            Exception: any other error makes this a failed trial, recorded with its traceback.
        """

    def evaluate_many(
        self, view: View, points: Sequence[Point], seeds: Sequence[int], reports: Sequence[Report]
    ) -> Sequence[Result | Exception]:
        """Train and measure at several points of one view. By default one after the other.

        Args:
            view: the view that the points belong to.
            points: the tuned hyperparameters of each trial.
            seeds: of each trial's training.
            reports: takes the metrics of each trial. All of them have the same checkpoint, which keeps one state for all trials.

        Returns:
            For each trial what `evaluate` returns, or the exception that ended it: `Diverged`, or any other for a failed trial. The result
            of a trial depends on its own arguments and on the number of trials, not on the other trials.
        """
        results: list[Result | Exception] = []
        for point, seed, report in zip(points, seeds, reports, strict=True):
            try:
                results.append(self.evaluate(view, point, seed, report))
            except Exception as error:  # a task may raise anything; it ends its own trial only
                results.append(error)
        return results
