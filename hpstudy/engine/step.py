"""The pure steps of trials: ask for their points, and evaluate them.

Both depend only on their request. They can run in any process, any number of times, and give the same answer, so resume is exact and the
death of a worker changes no number. A step handles one trial, or the trials of a group that runs in lockstep.
"""

from __future__ import annotations

import math
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hpstudy.engine.checkpoints import CheckpointFile
from hpstudy.engine.environment import host_environment
from hpstudy.engine.measured import InvalidResult, read_result, shown
from hpstudy.engine.recorder import EvaluationCheckpoint, Recorder
from hpstudy.engine.roots import folder_here, portable
from hpstudy.engine.stop import Aborted
from hpstudy.engine.worker import LOG_VARIABLE
from hpstudy.errors import MESSAGE_CHARACTERS, Diverged, HpstudyError, PluginError, TrialFailed, text_of
from hpstudy.loading.make import is_sweep, make_task, searcher_of
from hpstudy.modules import StudyModules, module_path
from hpstudy.plugins import is_plugin, load_callable, module_name, place_of
from hpstudy.search.interface import Observation, Searcher
from hpstudy.search.values import point_of
from hpstudy.seeds import derive_seed, seed_process, seeded_block
from hpstudy.sources import user_sources
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point
from hpstudy.tasks.interface import Result, Task
from hpstudy.tasks.outcome import Failure, Outcome, State

TRACEBACK_LINES = 30
"""Maximum stored length of a traceback: enough for the user's own frames, small enough for 100,000 rows."""

CACHED_STUDIES = 4
"""Number of studies that a process caches. A worker uses one; a notebook may alternate between a few."""


@dataclass(frozen=True)
class AskRequest:
    """The inputs that determine the points of trial `number` of searches of one arm: the study, and trials 0 .. number-1 of each search.

    The histories are empty for a searcher that does not read them. `module_path` is as in `EvaluateRequest`. Both requests are a
    `hpstudy.engine.executors.UserCodeRequest`.
    """

    study_json: str
    searches: tuple[SearchKey, ...]
    number: int
    histories: tuple[tuple[Observation, ...], ...]
    module_path: str | None = None

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The module of the searcher, if it is a user's module."""
        study = _study(self.study_json)
        searcher = arms(study)[self.searches[0].view].searcher or study.search.searcher
        return (module_name(searcher),) if is_plugin(searcher) else ()

    @contextmanager
    def warm(self) -> Iterator[None]:
        """Create the searcher."""
        with _importing(self) as modules:
            _searcher(self.study_json, arms(_study(self.study_json))[self.searches[0].view].searcher, modules)
            yield


@dataclass(frozen=True)
class Asked:
    """A point for each search, and the wall seconds spent choosing them.

    `sources` are checksums of the user's code that the process had loaded. `environment` gives its versions and machine.
    """

    points: tuple[Point, ...]
    duration_s: float
    sources: Mapping[str, str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Trial:
    """A trial to evaluate. `seed_number` is the number of the fresh seed of a confirmation."""

    search: SearchKey
    number: int
    point: Point
    seed_number: int | None = None


@dataclass(frozen=True)
class EvaluateRequest:
    """The inputs that determine the outcomes of trials of one view. Several trials are trained together.

    `module_path` is the folder that is searched first for a user's module (`hpstudy.engine.roots.portable`). `checkpoint` is the file where
    a long training keeps its state, or None; it does not change the outcomes.
    """

    study_json: str
    trials: tuple[Trial, ...]
    module_path: str | None
    checkpoint: CheckpointFile | None = None

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The modules of all parts that the user supplies, including the searcher, which determines whether the study is a sweep."""
        return tuple(sorted({module_name(part) for part in _study(self.study_json).plugins()}))

    @contextmanager
    def warm(self) -> Iterator[None]:
        """Create the task, load what its trials share, and import the other parts."""
        with _importing(self) as modules:
            _task(self.study_json, modules).warm_up()
            for part in _study(self.study_json).user_parts():
                load_callable(part)
            yield


@contextmanager
def _importing(request: AskRequest | EvaluateRequest) -> Iterator[StudyModules | None]:
    """Within the body, modules are imported from the study's folder, and global generators have the same state in every process."""
    with module_path(folder_here(request.module_path)) as modules:
        seed_process(derive_seed(_study(request.study_json).seed, "import"))
        yield modules


class SearcherFailed(HpstudyError):
    """A searcher raised an exception, or proposed something that is not a point of its space."""


def search_seed(study: Study, search: SearchKey) -> int:
    """The seed of a search's points, in [0, 2**search_seed_bits). For a user's additional searcher it has 31 bits unless stated."""
    other = arms(study)[search.view].searcher
    bits = study.search_seed_bits or (31 if other is not None and is_plugin(other) else 63)
    return derive_seed(study.seed, "search", search.view, search.replicate) % (1 << bits)


def train_seed(study: Study, replicate: int, number: int) -> int:
    """The seed of a trial's training. It does not depend on the view, so views are compared on common random numbers.

    In a sweep it does not depend on the point either, so points are also compared on common random numbers. In a search it does, because a
    search with the same seed at every point would tune for that seed.
    """
    if is_sweep(study):
        return _training_seed(study, "train", replicate)
    return _training_seed(study, "train", replicate, number)


def fresh_seed(study: Study, replicate: int, number: int) -> int:
    """A training seed that no search has used.

    Points share it, so that they are compared on common random numbers. If all incumbents are confirmed, all points of a replicate share
    it, so that replicates stay independent. Otherwise all points of the study share it.
    """
    if study.confirm is not None and study.confirm.incumbents:
        return _training_seed(study, "confirm", replicate, number)
    return _training_seed(study, "confirm", number)


def _training_seed(study: Study, *names: str | int) -> int:
    """The seed derived from `names`, in [0, 2**seed_bits)."""
    return derive_seed(study.seed, *names) % (1 << (study.seed_bits or 63))


def training_seed(study: Study, replicate: int, number: int, seed_number: int | None) -> int:
    """The training seed of any trial; a fresh one for a confirmation (a trial with a `seed_number`)."""
    return train_seed(study, replicate, number) if seed_number is None else fresh_seed(study, replicate, seed_number)


def ask(request: AskRequest) -> Asked:
    """Choose the points of trials: first the points that the view enqueues, then points of the searcher.

    Raises:
        SearcherFailed: the searcher raised an exception, or proposed something outside the space.
        Aborted: as in `evaluate`.
    """
    started = time.perf_counter()
    study = _study(request.study_json)
    arm = arms(study)[request.searches[0].view]
    space, goal, number = study.views[arm.view].space, study.metric.goal, request.number
    seeds = [search_seed(study, search) for search in request.searches]
    try:
        with module_path(folder_here(request.module_path) if request.user_modules else None) as modules:
            searcher = _searcher(request.study_json, arm.searcher, modules)
            if number < arm.enqueued:
                points = [point_of(space, study.views[arm.view].enqueue[number])] * len(seeds)
            elif len(seeds) == 1:
                points = [searcher.ask(space, request.histories[0], goal=goal, seed=seeds[0], number=number)]
            else:
                points = list(searcher.ask_many(space, request.histories, goal=goal, seeds=seeds, number=number))
            sources = user_sources(study.user_parts())
        refused = [point for point in points if not isinstance(point, Mapping) or not space.admits(point)]
    except (Aborted, PluginError):
        raise
    except BaseException as error:  # user code may raise anything, SystemExit and KeyboardInterrupt included
        # A new exception, because the searcher's own may be large or impossible to send between processes.
        raise SearcherFailed(f"{type(error).__name__}: {text_of(error)} ({place_of(error)})") from None
    name, hint = arm.searcher or study.search.searcher, "this is a mistake in the searcher"
    if len(points) != len(seeds):
        raise SearcherFailed(f"the searcher '{name}' proposed {len(points)} points for {len(seeds)} searches", hint)
    if refused:
        raise SearcherFailed(
            f"the searcher '{name}' proposed {shown(refused[0])}, which is outside the space of view '{arm.view}'", hint
        )
    return Asked(tuple(points), time.perf_counter() - started, sources, host_environment())


def evaluate(request: EvaluateRequest) -> tuple[Outcome, ...]:
    """Train and measure once, with freshly seeded global generators, which are restored afterwards.

    Every behavior of the task gives each trial an outcome: an exception, or a result without the study's metric, is a failed trial. Seconds
    and global generators belong to the step: each trial gets an equal share of the seconds, and the seed of the first trial seeds the
    generators.

    A KeyboardInterrupt comes from the task itself, never from Ctrl-C: workers ignore SIGINT, and the process that runs inline steps turns
    it into `Aborted`.

    Raises:
        Aborted: the only exception that is not caught.
    """
    recorders = [Recorder() for _ in request.trials]
    checkpoint = EvaluationCheckpoint(request.checkpoint, recorders)
    results: Sequence[Result | BaseException]
    sources: dict[str, str] = {}
    try:
        with module_path(folder_here(request.module_path)) as modules:
            study, task = _study(request.study_json), None
            try:
                task = _task(request.study_json, modules)
                checkpoint.begin()
                results = _results(task, study, request.trials, recorders)
            finally:
                sources = {**user_sources(study.user_parts()), **(task.sources() if task is not None else {})}
    except Aborted:
        raise
    except BaseException as error:  # user code may raise anything, SystemExit and KeyboardInterrupt included
        results = [error] * len(recorders)
    duration_s, peak_rss_mib = checkpoint.duration_s / len(recorders), _peak_rss_mib()
    outcomes = []
    for result, recorder in zip(results, recorders, strict=True):
        state, metrics, attributes, failure = _ending(request.study_json, result)
        curves, log = tuple(recorder.curves), os.environ.get(LOG_VARIABLE)
        log_path, host = portable(log) if log else None, host_environment()
        outcomes.append(Outcome(state, metrics, curves, failure, duration_s, peak_rss_mib, log_path, sources, host, attributes))
    return tuple(outcomes)


def _results(
    task: Task, study: Study, trials: Sequence[Trial], recorders: Sequence[Recorder]
) -> Sequence[Result | BaseException]:
    """The task's result for each trial, or the exception that ended it."""
    view = study.views[arms(study)[trials[0].search.view].view]
    seeds = [training_seed(study, trial.search.replicate, trial.number, trial.seed_number) for trial in trials]
    with seeded_block(seeds[0]):
        # The block does not touch the generators of accelerators, which a user's function may use.
        seed_process(seeds[0])
        if len(trials) == 1:
            return [task.evaluate(view, trials[0].point, seeds[0], recorders[0])]
        results = task.evaluate_many(view, [trial.point for trial in trials], seeds, recorders)
    if len(results) != len(trials):
        raise InvalidResult(f"evaluate_many returned {len(results)} results for {len(trials)} trials")
    return results


def _ending(study_json: str, result: Result | BaseException) -> tuple[State, dict[str, float], dict[str, Any], Failure | None]:
    """How a trial ended: its state, its metrics, its attributes and its failure.

    Args:
        study_json: its study.
        result: what the task returned for it, or the exception that ended it.
    """
    try:
        if isinstance(result, BaseException):
            raise result
        name = _study(study_json).metric.name
        metrics, attributes = read_result(result, name)
    except Aborted:
        raise
    except Diverged as error:
        return "diverged", {}, {}, Failure("Diverged", text_of(error))
    except BaseException as error:  # user code may raise anything, SystemExit and KeyboardInterrupt included
        # For an invalid result the message is enough; the traceback of the check is not useful.
        trace = "" if isinstance(error, InvalidResult | TrialFailed) else _traceback(error)
        return "failed", {}, {}, Failure(type(error).__name__, text_of(error), trace)
    return "completed" if math.isfinite(metrics[name]) else "diverged", metrics, attributes, None


def _traceback(error: BaseException) -> str:
    """The end of a traceback, without the frames of this module."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    return "\n".join(line[:MESSAGE_CHARACTERS] for line in text.splitlines()[-TRACEBACK_LINES:])


def _peak_rss_mib() -> float:
    """The peak resident memory of this process in MiB; 0 if the system does not report it."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0.0
    # KiB on Linux, bytes on macOS.
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / (2**20 if sys.platform == "darwin" else 2**10)


@lru_cache(maxsize=CACHED_STUDIES)
def _study(study_json: str) -> Study:
    return Study.from_json(study_json)


@lru_cache(maxsize=CACHED_STUDIES * 4)
def _searcher(study_json: str, name: str | None, _modules: StudyModules | None) -> Searcher:
    """The searcher, cached by study, name and modules of its code."""
    return searcher_of(_study(study_json), name)


@lru_cache(maxsize=CACHED_STUDIES)
def _task(study_json: str, _modules: StudyModules | None) -> Task:
    """The task, cached by study and modules of its code."""
    return make_task(_study(study_json).task)
