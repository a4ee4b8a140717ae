"""The two pure steps of a trial: ask for its point, evaluate it.

Both are functions of their request alone. They can run in any process, any number of times, and give the same answer; that is
what makes resume exact and a dead worker harmless.
"""

from __future__ import annotations

import math
import numbers
import os
import resource
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from hpstudy.engine.worker import LOG_VARIABLE
from hpstudy.errors import Diverged
from hpstudy.search.interface import Observation, Searcher
from hpstudy.seeds import derive_seed, seed_process
from hpstudy.study.bind import bind_searcher, bind_task, module_path
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point
from hpstudy.tasks.interface import Task
from hpstudy.tasks.outcome import Failure, Outcome

TRACEBACK_LINES = 30
"""Kept of a failed trial's traceback: enough for the user's own frames, small enough for 100,000 rows."""


@dataclass(frozen=True)
class AskRequest:
    """What determines a trial's point."""

    study_json: str
    search: SearchKey
    number: int
    history: tuple[Observation, ...]


@dataclass(frozen=True)
class Asked:
    """A trial's point, and how long it took to choose it (seconds of wall time)."""

    point: Point
    duration_s: float


@dataclass(frozen=True)
class EvaluateRequest:
    """What determines a trial's outcome; `module_path` is the folder in which a user's module is looked for first."""

    study_json: str
    search: SearchKey
    number: int
    point: Point
    module_path: str | None


def search_seed(study: Study, search: SearchKey) -> int:
    """The seed of a search's points."""
    return derive_seed(study.seed, "search", search.view, search.replicate)


def train_seed(study: Study, replicate: int, number: int) -> int:
    """The seed of a trial's training. It does not depend on the view: views are compared on common random numbers."""
    return derive_seed(study.seed, "train", replicate, number)


def ask(request: AskRequest) -> Asked:
    """Choose a trial's point."""
    started = time.perf_counter()
    study, searcher = _searcher(request.study_json)
    point = searcher.ask(
        study.views[request.search.view].space,
        request.history,
        goal=study.metric.goal,
        seed=search_seed(study, request.search),
        number=request.number,
    )
    return Asked(point, time.perf_counter() - started)


def evaluate(request: EvaluateRequest) -> Outcome:
    """Run a trial. Whatever the task does, the answer is an outcome: a task's exception is a failed trial."""
    recorder = _Recorder()
    started = time.perf_counter()
    try:
        with module_path(request.module_path):
            study, task = _task(request.study_json)
            seed = train_seed(study, request.search.replicate, request.number)
            seed_process(seed)
            started = time.perf_counter()
            measured = task.evaluate(study.views[request.search.view], request.point, seed, recorder)
        metrics = _metrics(measured, study.metric.name)
    except Diverged as error:
        return _outcome("diverged", started, recorder, failure=Failure("Diverged", str(error)))
    except (Exception, SystemExit) as error:
        failure = Failure(type(error).__name__, str(error), _traceback(error))
        return _outcome("failed", started, recorder, failure=failure)
    state = "completed" if math.isfinite(metrics[study.metric.name]) else "diverged"
    return _outcome(state, started, recorder, metrics=metrics)


class InvalidResult(TypeError):
    """A task returned something that is not its metrics."""


@dataclass
class _Recorder:
    """Collects what a task reports while it trains."""

    curves: list[tuple[int, str, float]] = field(default_factory=list)

    def __call__(self, epoch: int, **metrics: float) -> None:
        self.curves.extend((int(epoch), name, _number(name, value)) for name, value in metrics.items())


def _metrics(measured: Any, objective: str) -> dict[str, float]:
    """The metrics in what a task returned; a single number is the objective."""
    if not isinstance(measured, Mapping):
        measured = {objective: measured}
    metrics = {str(name): _number(str(name), value) for name, value in measured.items()}
    if objective not in metrics:
        raise InvalidResult(f"the metrics {sorted(metrics)} do not hold the study's metric '{objective}'")
    return metrics


def _number(name: str, value: Any) -> float:
    """A real number as float: Python's, numpy's, or a tensor of one element. A boolean counts as 0 or 1."""
    if isinstance(value, numbers.Real):
        return float(value)
    if getattr(value, "ndim", None) == 0 and not isinstance(value, str):
        return float(value)
    raise InvalidResult(
        f"'{name}' is {value!r} ({type(value).__name__}): a function to study must return a number, or a dict of numbers"
    )


def _outcome(
    state: Any, started: float, recorder: _Recorder, *, metrics: Mapping[str, float] | None = None, failure: Failure | None = None
) -> Outcome:
    # Kilobytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    duration_s, log = time.perf_counter() - started, os.environ.get(LOG_VARIABLE)
    return Outcome(state, metrics or {}, tuple(recorder.curves), failure, duration_s, peak, log)


def _traceback(error: BaseException) -> str:
    """The end of a traceback, without this file's own frames."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(lines[-TRACEBACK_LINES:])


@lru_cache(maxsize=4)
def _study(study_json: str) -> Study:
    return Study.from_json(study_json)


@lru_cache(maxsize=4)
def _searcher(study_json: str) -> tuple[Study, Searcher]:
    study = _study(study_json)
    return study, bind_searcher(study)


@lru_cache(maxsize=4)
def _task(study_json: str) -> tuple[Study, Task]:
    study = _study(study_json)
    return study, bind_task(study)
