"""The requests and answers of steps, and the parts of a study that a process creates once for all of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from hpstudy.engine.checkpoints import CheckpointFile
from hpstudy.engine.roots import folder_here
from hpstudy.loading.make import make_task, searcher_of
from hpstudy.modules import StudyModules, module_path
from hpstudy.plugins import is_plugin, load_callable, module_name
from hpstudy.search.interface import Observation, Searcher
from hpstudy.seeds import derive_seed, seed_process
from hpstudy.sources import user_sources
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.study.space import Point
from hpstudy.tasks.interface import Task
from hpstudy.tasks.outcome import Outcome

CACHED_STUDIES = 4
"""Number of studies that a process caches. A worker uses one; a notebook may alternate between a few."""


class TrialKey(NamedTuple):
    """The identity of a trial in a study: its search, and its number there. An answer states the trials that it belongs to."""

    search: SearchKey
    number: int


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
    def keys(self) -> tuple[TrialKey, ...]:
        """The trials whose points it asks for."""
        return tuple(TrialKey(search, self.number) for search in self.searches)

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The module of the searcher, if it is a user's module."""
        study = cached_study(self.study_json)
        searcher = arms(study)[self.searches[0].view].searcher or study.search.searcher
        return (module_name(searcher),) if is_plugin(searcher) else ()

    @contextmanager
    def warm(self) -> Iterator[None]:
        """Create the searcher."""
        with _importing(self) as modules:
            cached_searcher(self.study_json, arms(cached_study(self.study_json))[self.searches[0].view].searcher, modules)
            yield


@dataclass(frozen=True)
class ChosenPoints:
    """The answer of an `AskRequest`: a point for each of its trials `keys`, and the wall seconds spent choosing them.

    `sources` are checksums of the user's code that the process had loaded. `environment` gives its versions and machine.
    """

    keys: tuple[TrialKey, ...]
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
    def keys(self) -> tuple[TrialKey, ...]:
        """The trials that it evaluates."""
        return tuple(TrialKey(trial.search, trial.number) for trial in self.trials)

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The modules of all parts that the user supplies, including the searcher, which determines whether the study is a sweep."""
        return tuple(sorted({module_name(part) for part in cached_study(self.study_json).plugins()}))

    @contextmanager
    def warm(self) -> Iterator[None]:
        """Create the task, load what its trials share, and import the other parts."""
        with _importing(self) as modules:
            task, parts = cached_task(self.study_json, modules), cached_study(self.study_json).user_parts()
            task.warm_up()
            for part in parts:
                load_callable(part)
            user_sources(parts), task.sources()  # the checksums of what is loaded now
            yield


@dataclass(frozen=True)
class Evaluation:
    """The answer of an `EvaluateRequest`: an outcome for each of its trials `keys`."""

    keys: tuple[TrialKey, ...]
    outcomes: tuple[Outcome, ...]


@contextmanager
def _importing(request: AskRequest | EvaluateRequest) -> Iterator[StudyModules | None]:
    """Within the body, modules are imported from the study's folder, and global generators have the same state in every process."""
    with module_path(folder_here(request.module_path)) as modules:
        seed_process(derive_seed(cached_study(request.study_json).seed, "import"))
        yield modules


@lru_cache(maxsize=CACHED_STUDIES)
def cached_study(study_json: str) -> Study:
    """The study, cached by its text."""
    return Study.from_json(study_json)


@lru_cache(maxsize=CACHED_STUDIES * 4)
def cached_searcher(study_json: str, name: str | None, _modules: StudyModules | None) -> Searcher:
    """The searcher, cached by study, name and modules of its code."""
    return searcher_of(cached_study(study_json), name)


@lru_cache(maxsize=CACHED_STUDIES)
def cached_task(study_json: str, _modules: StudyModules | None) -> Task:
    """The task, cached by study and modules of its code."""
    return make_task(cached_study(study_json).task)
