"""Interface of tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from hpstudy.checkpoint import Checkpoint
from hpstudy.errors import Problem
from hpstudy.study.blocks import NoSettings
from hpstudy.study.schema import View
from hpstudy.study.space import Point
from hpstudy.tasks.outcome import Valued

Result = Mapping[str, Any] | float | Valued
"""Result of a trial, as returned by a task."""


class Report(Protocol):
    """Records metrics per epoch, and gives access to the checkpoint."""

    def __call__(self, epoch: int, **metrics: float) -> None:
        """Record `metrics` at `epoch`, an integer counted from 0 or 1. Report each metric once per epoch."""

    @property
    def checkpoint(self) -> Checkpoint:
        """Stores the state of a long training, from which an interrupted trial resumes."""


def refused_method(view: View, what: str) -> list[Problem]:
    """Return the problem of a view with a method, for a task without methods; `what` is the subject of the message."""
    return [] if view.method is None else [Problem(("method",), f"{what} has no methods: remove this key")]


class Task(ABC):
    """The training and evaluation that all views of a study share.

    A task is created from its settings whenever a study is read, so that the constructor and the checks must not import heavy libraries.
    `prepare` is called once per run, before the first trial, in the process that owns the database. `evaluate` is then called many times,
    in any worker process. A worker uses one task object for all trials of a built-in task. A trial of a study with user code runs in a
    copy of a process in which the task was created and `warm_up` was called.
    """

    Settings: ClassVar[type[BaseModel]] = NoSettings
    """Keys of the task in the study's `task` block. Unknown keys are refused."""
    stacks: ClassVar[bool] = False
    """Whether `evaluate_many` trains all points together, so that the trials of a group (`search.lockstep`) are one step in one process.
    Otherwise each trial is a separate step."""

    def __init__(self, settings: BaseModel | None = None) -> None:
        self.settings = self.Settings() if settings is None else settings

    @abstractmethod
    def objectives(self) -> Sequence[str] | None:
        """Return the metrics that a search can optimize; None if they are not known before the first trial (a user's function)."""

    @abstractmethod
    def check_view(self, view: View) -> list[Problem]:
        """Return the problems of a view. Their keys are relative to the view, for instance ("space", "alpha", "low")."""

    def check_point(self, view: View, point: Point) -> list[str]:
        """Return the reasons why the values of a point are invalid together, although each value is valid.

        Called only for a view without problems, at the points of `hpstudy.loading.joint`. By default all points are valid.
        """
        return []

    def check_views(self, views: Mapping[str, View]) -> list[Problem]:
        """Return problems of the settings or a view that depend on all views. Their keys are those of the study.

        Called only if the schema of every view is valid. By default there are no problems.
        """
        return []

    def complete_view(self, view: View) -> View:
        """Return the view with all hyperparameters that it does not set fixed at the defaults of the task."""
        return view

    def prepare(self) -> None:
        """Prepare what all trials share, such as a feature cache. Raises DataError if data must be downloaded first."""

    def identity(self) -> dict[str, str]:
        """Return what determines the results besides the settings: checksums of data and of user code. Called after `prepare`.

        It includes `sources`, which is the default.
        """
        return self.sources()

    def sources(self) -> dict[str, str]:
        """Return checksums of the user's files that a trial reads, with names as in `hpstudy.sources`. Called after each trial."""
        return {}

    def warm_up(self) -> None:
        """Import libraries and load data that all trials share, so that they are not loaded again for each trial."""

    @abstractmethod
    def evaluate(self, view: View, point: Point, seed: int, report: Report) -> Result:
        """Train and evaluate at one point.

        Args:
            view: the view of the point, with its method and fixed values.
            point: the tuned hyperparameters.
            seed: seed of the training, in [0, 2**31) for a user's task unless the study's `seed_bits` is 63. It does not depend on the
                view, so that views are compared with common random numbers.
            report: records metrics per epoch, and has the checkpoint.

        Returns:
            The metrics by name, including the objective; or only the objective. Values that are not numbers are stored as attributes.

        Raises:
            Diverged: training has diverged.
            Exception: any other error makes this a failed trial, which is recorded with its traceback.
        """

    def evaluate_many(
        self, view: View, points: Sequence[Point], seeds: Sequence[int], reports: Sequence[Report]
    ) -> Sequence[Result | Exception]:
        """Train and evaluate at several points of one view; one after the other by default.

        Args:
            view: the view of the points.
            points: the tuned hyperparameters of each trial.
            seeds: seed of the training of each trial.
            reports: the report of each trial. All have the same checkpoint, which stores one state for all trials.

        Returns:
            For each trial, what `evaluate` returns, or the exception that ended it (`Diverged`, or any other one for a failed trial). The
            result of a trial depends on its own arguments and on the number of trials, but not on the other trials.
        """
        results: list[Result | Exception] = []
        for point, seed, report in zip(points, seeds, reports, strict=True):
            try:
                results.append(self.evaluate(view, point, seed, report))
            except Exception as error:  # a task can raise any exception, which ends only its own trial
                results.append(error)
        return results
