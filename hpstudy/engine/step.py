"""The pure steps of a trial: ask for its point, and evaluate it.

Both are functions of their request alone. They can run in any process, any number of times, and give the same answer; that is
what makes resume exact and a dead worker harmless.
"""

from __future__ import annotations

import math
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from hpstudy.engine.checkpoints import CheckpointFile
from hpstudy.engine.measured import InvalidResult, read_metrics, shown
from hpstudy.engine.recorder import Recorder
from hpstudy.engine.stop import Aborted
from hpstudy.engine.worker import LOG_VARIABLE
from hpstudy.errors import MESSAGE_CHARACTERS, Diverged, HpstudyError, PluginError, text_of
from hpstudy.loading.make import is_sweep, make_control, make_searcher, make_task
from hpstudy.modules import StudyModules, module_path
from hpstudy.plugins import is_plugin, load_callable, module_name, place_of
from hpstudy.search.interface import Observation, Searcher
from hpstudy.seeds import derive_seed, seed_process, seeded_block
from hpstudy.sources import user_sources
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Control, Study
from hpstudy.study.space import Point
from hpstudy.tasks.interface import Task
from hpstudy.tasks.outcome import Failure, Outcome, State

TRACEBACK_LINES = 30
"""Kept of a failed trial's traceback: enough for the user's own frames, small enough for 100,000 rows."""

CACHED_STUDIES = 4
"""Studies that a process keeps bound. A worker serves one; a notebook may go back and forth between a few."""


@dataclass(frozen=True)
class AskRequest:
    """What determines a trial's point: the study, the search, and its trials 0 .. number-1; `module_path` as for an evaluation.

    `history` is empty for a searcher that does not read it.
    It is a `hpstudy.engine.executors.UserCodeRequest`, and so is an evaluation's.
    """

    study_json: str
    search: SearchKey
    number: int
    history: tuple[Observation, ...]
    module_path: str | None = None

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The module of the user's searcher."""
        study = _study(self.study_json)
        searcher = study.search.searcher
        built_in = arms(study)[self.search.view].control is not None or not is_plugin(searcher)
        return () if built_in else (module_name(searcher),)

    @contextmanager
    def warm(self) -> Iterator[None]:
        """With the searcher made."""
        with _importing(self) as modules:
            _searcher(self.study_json, None, modules)
            yield


@dataclass(frozen=True)
class Asked:
    """A trial's point, how long it took to choose it (seconds of wall time), and the user's code that the process had loaded."""

    point: Point
    duration_s: float
    sources: Mapping[str, str]


@dataclass(frozen=True)
class EvaluateRequest:
    """What determines a trial's outcome; `module_path` is the folder in which a user's module is looked for first.

    `checkpoint` is where a long training keeps its state, None to keep it nowhere. It does not change the outcome. `seed_number` is that
    of a confirmation's fresh seed.
    """

    study_json: str
    search: SearchKey
    number: int
    point: Point
    module_path: str | None
    checkpoint: CheckpointFile | None = None
    seed_number: int | None = None

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The modules of all parts of the user's: the searcher too, which says whether the study is a sweep."""
        return tuple(sorted({module_name(part) for part in _study(self.study_json).plugins()}))

    @contextmanager
    def warm(self) -> Iterator[None]:
        """With the task made, what its trials share loaded, and the other parts imported."""
        with _importing(self) as modules:
            _task(self.study_json, modules).warm_up()
            for part in _study(self.study_json).user_parts():
                load_callable(part)
            yield


@contextmanager
def _importing(request: AskRequest | EvaluateRequest) -> Iterator[StudyModules | None]:
    """Import modules from the study's folder in the body, with global generators in the same state in every process."""
    with module_path(request.module_path) as modules:
        seed_process(derive_seed(_study(request.study_json).seed, "import"))
        yield modules


class SearcherFailed(HpstudyError):
    """A searcher raised an exception, or proposed something that is no point of its space."""


def search_seed(study: Study, search: SearchKey) -> int:
    """The seed of a search's points, in [0, 2**search_seed_bits)."""
    return derive_seed(study.seed, "search", search.view, search.replicate) % (1 << (study.search_seed_bits or 63))


def train_seed(study: Study, replicate: int, number: int) -> int:
    """The seed of a trial's training. It does not depend on the view: views are compared on common random numbers.

    In a sweep it does not depend on the point either, so that points are compared on common random numbers too. In a search it does:
    a search that met one lucky seed everywhere would tune for that seed.
    """
    if is_sweep(study):
        return _training_seed(study, "train", replicate)
    return _training_seed(study, "train", replicate, number)


def fresh_seed(study: Study, replicate: int, number: int) -> int:
    """The seed of a training that no search has seen.

    The same for every point, so that points are compared on common random numbers: for every point of a replicate where all incumbents
    are confirmed, so that replicates stay independent; otherwise for every point of the study.
    """
    if study.confirm is not None and study.confirm.incumbents:
        return _training_seed(study, "confirm", replicate, number)
    return _training_seed(study, "confirm", number)


def _training_seed(study: Study, *names: str | int) -> int:
    """The seed called `names`, in [0, 2**seed_bits)."""
    return derive_seed(study.seed, *names) % (1 << (study.seed_bits or 63))


def training_seed(study: Study, replicate: int, number: int, seed_number: int | None) -> int:
    """The seed of any trial's training: of a confirmation (one with a `seed_number`) a fresh one."""
    return train_seed(study, replicate, number) if seed_number is None else fresh_seed(study, replicate, seed_number)


def ask(request: AskRequest) -> Asked:
    """Choose a trial's point.

    Raises:
        SearcherFailed: the searcher raised an exception, or proposed something outside the space.
        Aborted: as in `evaluate`.
    """
    started = time.perf_counter()
    study = _study(request.study_json)
    arm = arms(study)[request.search.view]
    space = study.views[arm.view].space
    try:
        with module_path(request.module_path if request.user_modules else None) as modules:
            point = _searcher(request.study_json, arm.control, modules).ask(
                space, request.history, goal=study.metric.goal, seed=search_seed(study, request.search), number=request.number
            )
            sources = user_sources(study.user_parts())
        admitted = isinstance(point, Mapping) and space.admits(point)
    except (Aborted, PluginError):
        raise
    except BaseException as error:  # user code may raise anything, SystemExit and KeyboardInterrupt included
        # A new exception, because the searcher's own may not survive the way between processes, or be large.
        raise SearcherFailed(f"{type(error).__name__}: {text_of(error)} ({place_of(error)})") from None
    if not admitted:
        raise SearcherFailed(
            f"the searcher '{arm.control or study.search.searcher}' proposed {shown(point)}, which lies outside the space of view "
            f"'{arm.view}'",
            "this is a mistake in the searcher",
        )
    return Asked(point, time.perf_counter() - started, sources)


def evaluate(request: EvaluateRequest) -> Outcome:
    """Train and measure once, under freshly seeded global generators, which are put back afterwards.

    Whatever the task does, the answer is an outcome: an exception is a failed trial, and so is a result without the study's metric.

    A KeyboardInterrupt is the task's own, because a Ctrl-C never arrives as one: workers ignore SIGINT, and the process that runs
    inline steps turns it into `Aborted`.

    Raises:
        Aborted: the only exception that passes.
    """
    recorder = Recorder(request.checkpoint)
    metrics: dict[str, float] = {}
    sources: dict[str, str] = {}
    failure = None
    state: State = "completed"
    try:
        with module_path(request.module_path) as modules:
            study = _study(request.study_json)
            try:
                task = _task(request.study_json, modules)
                view = study.views[arms(study)[request.search.view].view]
                seed = training_seed(study, request.search.replicate, request.number, request.seed_number)
                recorder.begin()
                with seeded_block(seed):
                    # The block leaves accelerators alone, whose generators a user's function may use.
                    seed_process(seed)
                    result = task.evaluate(view, request.point, seed, recorder)
            finally:
                sources = user_sources(study.user_parts())
        metrics = read_metrics(result, study.metric.name)
        if not math.isfinite(metrics[study.metric.name]):
            state = "diverged"
    except Aborted:
        raise
    except Diverged as error:
        state, failure = "diverged", Failure("Diverged", text_of(error))
    except BaseException as error:  # user code may raise anything, SystemExit and KeyboardInterrupt included
        # Where an invalid result was noticed says nothing; its message does.
        trace = "" if isinstance(error, InvalidResult) else _traceback(error)
        state, failure = "failed", Failure(type(error).__name__, text_of(error), trace)
    return Outcome(
        state,
        metrics,
        tuple(recorder.curves),
        failure,
        recorder.duration_s,
        _peak_rss_mib(),
        os.environ.get(LOG_VARIABLE),
        sources,
    )


def _traceback(error: BaseException) -> str:
    """The end of a traceback, without the frame of `evaluate`."""
    frames = error.__traceback__.tb_next if error.__traceback__ else None
    text = "".join(traceback.format_exception(type(error), error, frames))
    return "\n".join(line[:MESSAGE_CHARACTERS] for line in text.splitlines()[-TRACEBACK_LINES:])


def _peak_rss_mib() -> float:
    """The most resident memory that this process has had, MiB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0.0
    # KiB on Linux, bytes on macOS.
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / (2**20 if sys.platform == "darwin" else 2**10)


@lru_cache(maxsize=CACHED_STUDIES)
def _study(study_json: str) -> Study:
    return Study.from_json(study_json)


@lru_cache(maxsize=CACHED_STUDIES)
def _searcher(study_json: str, control: Control | None, _modules: StudyModules | None) -> Searcher:
    """Made once for each study and for the modules that its code comes from."""
    return make_searcher(_study(study_json).search) if control is None else make_control(control)


@lru_cache(maxsize=CACHED_STUDIES)
def _task(study_json: str, _modules: StudyModules | None) -> Task:
    """Made once for each study and for the modules that its code comes from."""
    return make_task(_study(study_json).task)
