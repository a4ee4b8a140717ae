"""The pure steps of trials: ask for their points, and evaluate them.

Both depend only on their request. They can run in any process, any number of times, and give the same answer, so resume is exact and the
death of a worker changes no number. A step handles one trial, or the trials of a group that runs in lockstep.
"""

from __future__ import annotations

import errno
import math
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from hpstudy.engine.environment import host_environment
from hpstudy.engine.executors import OutOfResources
from hpstudy.engine.forked import ending_forks
from hpstudy.engine.measured import InvalidResult, preview, read_result
from hpstudy.engine.recorder import EvaluationCheckpoint, Recorder
from hpstudy.engine.requests import (
    AskRequest,
    ChosenPoints,
    EvaluateRequest,
    Evaluation,
    Trial,
    cached_searcher,
    cached_study,
    cached_task,
)
from hpstudy.engine.roots import folder_here, portable
from hpstudy.engine.stop import Aborted
from hpstudy.engine.tracebacks import traceback_of
from hpstudy.engine.trial_seeds import search_seed, training_seed
from hpstudy.engine.worker import LOG_VARIABLE
from hpstudy.errors import Diverged, HpstudyError, PluginError, TrialFailed, text_of
from hpstudy.goal import Goal
from hpstudy.modules import module_path
from hpstudy.plugins import place_of
from hpstudy.search.interface import Searcher
from hpstudy.search.values import point_of
from hpstudy.seeds import seed_process, seeded_block
from hpstudy.sources import user_sources
from hpstudy.study.controls import arms
from hpstudy.study.schema import Study
from hpstudy.study.space import Point, Space
from hpstudy.tasks.interface import Result, Task
from hpstudy.tasks.outcome import Failure, Outcome, State

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors of the system for a full disk and for a used-up quota."""

WRITE_FAILED = re.compile(
    "|".join(
        [
            *map(os.strerror, DISK_FULL),  # of programs, and of libraries in other languages
            "database or disk is full",  # of SQLite
            r"PytorchStreamWriter failed writing|unexpected pos \d+ vs \d+|basic_ios::clear: iostream error",  # of torch.save
            r"^\d+ requested and \d+ written$|Not enough free space to write",  # of NumPy
        ]
    )
)
"""Messages of errors without a number, for a file that could not be written."""

NO_PROCESS = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
"""Errors of the system for a program that cannot be started because the machine lacks processes, memory or open files."""

CAUSES = 100
"""Maximum number of exceptions that are followed from one to its cause. More indicate a cycle."""


class SearcherFailed(HpstudyError):
    """A searcher raised an exception, or proposed something that is not a point of its space."""


def ask(request: AskRequest) -> ChosenPoints:
    """Choose the points of trials: first the points that the view enqueues, then points of the searcher.

    Raises:
        SearcherFailed: the searcher raised an exception, or proposed something outside the space.
        Aborted, UsageError: as in `evaluate`.
    """
    started = time.perf_counter()
    study = cached_study(request.study_json)
    arm = arms(study)[request.searches[0].view]
    space, number = study.views[arm.view].space, request.number
    seeds = [search_seed(study, search) for search in request.searches]
    with module_path(folder_here(request.module_path) if request.user_modules else None) as modules:
        try:
            searcher = cached_searcher(request.study_json, arm.searcher, modules)
            if number < arm.enqueued:
                points = [point_of(space, study.views[arm.view].enqueue[number])] * len(seeds)
            else:
                points = _points(searcher, space, study.metric.goal, seeds, request)
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
            f"the searcher '{name}' proposed {preview(refused[0])}, which is outside the space of view '{arm.view}'", hint
        )
    return ChosenPoints(request.keys, tuple(points), time.perf_counter() - started, sources, host_environment())


def _points(searcher: Searcher, space: Space, goal: Goal, seeds: Sequence[int], request: AskRequest) -> list[Point]:
    """The searcher's point for each search."""
    with ending_forks():
        if len(seeds) == 1:
            return [searcher.ask(space, request.histories[0], goal=goal, seed=seeds[0], number=request.number)]
        return list(searcher.ask_many(space, request.histories, goal=goal, seeds=seeds, number=request.number))


def evaluate(request: EvaluateRequest) -> Evaluation:
    """Train and measure once, with freshly seeded global generators, which are restored afterwards.

    Every behavior of the task gives each trial an outcome: an exception, or a result without the study's metric, is a failed trial. Seconds
    and global generators belong to the step: each trial gets an equal share of the seconds, and the seed of the first trial seeds the
    generators.

    A KeyboardInterrupt comes from the task itself, never from Ctrl-C: workers ignore SIGINT, and the process that runs inline steps turns
    it into `Aborted`.

    Raises:
        Aborted: an exception of a trial that is not caught.
        OutOfResources: the disk was full, or a program could not be started. The same trial would end otherwise with more resources.
        UsageError: another thread uses the modules of another folder (`hpstudy.modules.module_path`).
    """
    recorders = [Recorder() for _ in request.trials]
    checkpoint = EvaluationCheckpoint(request.checkpoint, recorders)
    results: Sequence[Result | BaseException]
    sources: dict[str, str] = {}
    with module_path(folder_here(request.module_path)) as modules:
        study, task = cached_study(request.study_json), None
        try:
            try:
                task = cached_task(request.study_json, modules)
                checkpoint.begin()
                results = _results(task, study, request.trials, recorders)
            finally:
                sources = {**user_sources(study.user_parts()), **(task.sources() if task is not None else {})}
        except Aborted:
            raise
        except BaseException as error:  # user code may raise anything, SystemExit and KeyboardInterrupt included
            results = [error] * len(recorders)
    for result in results:
        _refuse_shortage(result)
    duration_s, peak_rss_mib = checkpoint.duration_s / len(recorders), _peak_rss_mib()
    outcomes = []
    for result, recorder in zip(results, recorders, strict=True):
        state, metrics, attributes, failure = _ending(request.study_json, result)
        curves, log = tuple(recorder.curves), os.environ.get(LOG_VARIABLE)
        log_path, host = portable(log) if log else None, host_environment()
        outcomes.append(Outcome(state, metrics, curves, failure, duration_s, peak_rss_mib, log_path, sources, host, attributes))
    return Evaluation(request.keys, tuple(outcomes))


def _results(
    task: Task, study: Study, trials: Sequence[Trial], recorders: Sequence[Recorder]
) -> Sequence[Result | BaseException]:
    """The task's result for each trial, or the exception that ended it."""
    view = study.views[arms(study)[trials[0].search.view].view]
    seeds = [training_seed(study, trial.search.replicate, trial.number, trial.seed_number) for trial in trials]
    with ending_forks(), seeded_block(seeds[0]):
        # The block does not touch the generators of accelerators, which a user's function may use.
        seed_process(seeds[0])
        if len(trials) == 1:
            return [task.evaluate(view, trials[0].point, seeds[0], recorders[0])]
        results = task.evaluate_many(view, [trial.point for trial in trials], seeds, recorders)
    if len(results) != len(trials):
        raise InvalidResult(f"evaluate_many returned {len(results)} results for {len(trials)} trials")
    return results


def _refuse_shortage(result: Result | BaseException) -> None:
    """Raise OutOfResources if a trial ended with an exception that a full disk has caused, or because its program could not be started."""
    error = result if isinstance(result, BaseException) else None
    if isinstance(error, TrialFailed) and isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_PROCESS:
        raise OutOfResources(text_of(error))
    for _ in range(CAUSES):
        if error is None:
            return
        if (isinstance(error, OSError) and error.errno in DISK_FULL) or WRITE_FAILED.search(text_of(error)):
            place = f" ({place_of(error)})" if error.__traceback__ and not isinstance(error, TrialFailed) else ""
            raise OutOfResources(
                f"a trial could not write a file: {text_of(error)}{place}",
                "free space on this disk, or raise the quota; `hpstudy resume` continues the study",
            )
        error = error.__cause__ or error.__context__


def _ending(study_json: str, result: Result | BaseException) -> tuple[State, dict[str, float], dict[str, Any], Failure | None]:
    """How a trial ended: its state, its metrics, its attributes and its failure.

    Args:
        study_json: its study.
        result: what the task returned for it, or the exception that ended it.
    """
    try:
        if isinstance(result, BaseException):
            raise result
        name = cached_study(study_json).metric.name
        metrics, attributes = read_result(result, name)
    except Aborted:
        raise
    except Diverged as error:
        return "diverged", {}, {}, Failure("Diverged", text_of(error))
    except BaseException as error:  # user code may raise anything, SystemExit and KeyboardInterrupt included
        # For an invalid result the message is enough; the traceback of the check is not useful.
        trace = "" if isinstance(error, InvalidResult | TrialFailed) else traceback_of(error)
        return "failed", {}, {}, Failure(type(error).__name__, text_of(error), trace)
    return "completed" if math.isfinite(metrics[name]) else "diverged", metrics, attributes, None


def _peak_rss_mib() -> float:
    """The peak resident memory of this process in MiB; 0 if the system does not report it."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0.0
    # KiB on Linux, bytes on macOS.
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / (2**20 if sys.platform == "darwin" else 2**10)
