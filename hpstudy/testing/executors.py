"""Contract suite of executors.

Subclass it in your tests:

class TestMyExecutor(ExecutorContract):
    def make(self, logs):
        return MyExecutor(2, logs)
"""

from __future__ import annotations

import math
import os
import random
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hpstudy.engine.admission import Admission, HostReport, HostRequest
from hpstudy.engine.executors import THREAD_VARIABLES, EngineLost, Executor, StepTimedOut, WorkerDied
from hpstudy.engine.identity import KnownSources
from hpstudy.engine.requests import AskRequest, EvaluateRequest, Trial
from hpstudy.engine.step import ask, evaluate
from hpstudy.errors import HpstudyError, StudyChanged, UsageError
from hpstudy.loading.bind import bind
from hpstudy.seeds import seed_process
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study


def double(number: int) -> int:
    """A step that returns a result."""
    return 2 * number


def fail(message: str) -> NoReturn:
    """A step that raises an exception."""
    raise LookupError(message)


class Unpicklable(Exception):
    """An exception that cannot be pickled."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.lock = threading.Lock()


def fail_unpicklably(message: str) -> NoReturn:
    """A step that raises an exception that cannot be pickled."""
    raise Unpicklable(message)


LONG_S = 20.0
"""Duration of a step that exceeds its time limit. It is finite, so that an executor that ignores time limits fails the test instead of
blocking it."""


OTHER_ANSWER = "a future holds the answer of another step; a run would end with an error"


def take_too_long(_: object) -> None:
    """A step that ends long after its time limit."""
    time.sleep(LONG_S)


def kill_own_process(_: object) -> None:
    """A step whose process is killed, as the system does when it runs out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def thread_variables(_: object) -> list[str | None]:
    """Return the environment variables from which numerical libraries read their number of threads."""
    return [os.environ.get(name) for name in THREAD_VARIABLES]


def draw(_: object) -> float:
    """Draw a number from a global generator that earlier steps may have used."""
    return random.random()


def draw_slowly(seed: int) -> list[float]:
    """Draw numbers from seeded global generators, with pauses in which a concurrent step can draw as well."""
    import numpy as np

    seed_process(seed)
    drawn = []
    for _ in range(10):
        drawn += [random.random(), float(np.random.random())]  # noqa: NPY002  # the global generator is what is tested
        time.sleep(0.02)
    return drawn


@dataclass(frozen=True)
class UserStep:
    """The request of a step that runs user code."""

    user_modules: tuple[str, ...] = ("contract",)

    @contextmanager
    def warm(self) -> Iterator[None]:
        """Import nothing."""
        yield


_calls: list[UserStep] = []


def count_calls(request: UserStep) -> tuple[int, str | None, float]:
    """Return the number of calls in this process, and what an earlier call left in the environment and in a standard module."""
    _calls.append(request)
    before = len(_calls), os.environ.get("HPSTUDY_CONTRACT"), math.sqrt(4)
    os.environ["HPSTUDY_CONTRACT"] = "left by an earlier step"
    math.sqrt = lambda _: 7.0
    return before


class ExecutorContract(ABC):
    """Requirements of every executor."""

    ends_steps = True
    """Whether the executor can end a step that exceeds its time limit. An executor that cannot must refuse a time limit."""

    remote = False
    """Whether steps run outside the control of this process, as on a cluster. If so, define the three methods below."""

    def end_workers(self, executor: Executor) -> None:
        """End all workers of a remote executor."""
        raise NotImplementedError

    def add_worker(self, executor: Executor) -> None:
        """Add a worker to a remote executor."""
        raise NotImplementedError

    def end_engine(self, executor: Executor) -> None:
        """Stop the engine of a remote executor, such as the scheduler of a cluster, as in an outage."""
        raise NotImplementedError

    @abstractmethod
    def make(self, logs: Path) -> Executor:
        """Return a new executor that writes logs, if any, below `logs`."""

    @pytest.fixture
    def executor(self, tmp_path: Path) -> Iterator[Executor]:
        """An executor, which is closed after the test."""
        executor = self.make(tmp_path / "logs")
        yield executor
        executor.close()

    def test_a_future_holds_the_answer(self, executor: Executor) -> None:
        assert executor.submit(double, 21).result() == 42

    def test_answers_belong_to_their_requests(self, executor: Executor) -> None:
        waiting, answers = list(range(20)), {}
        while waiting:
            batch, waiting = waiting[: executor.workers], waiting[executor.workers :]
            futures = {executor.submit(double, number): number for number in batch}
            wait(futures)
            answers.update({number: future.result() for future, number in futures.items()})
        assert answers == {number: 2 * number for number in range(20)}

    def test_answers_name_the_trials_of_their_requests(self, executor: Executor) -> None:
        replicates = range(min(executor.workers, 2))
        questions = [_example_question(replicate) for replicate in replicates]
        points = [executor.submit(ask, question) for question in questions]
        assert [future.result().keys for future in points] == [question.keys for question in questions], OTHER_ANSWER
        requests = [_example_request(replicate) for replicate in replicates]
        outcomes = [executor.submit(evaluate, request) for request in requests]
        assert [future.result().keys for future in outcomes] == [request.keys for request in requests], OTHER_ANSWER

    def test_a_future_holds_the_exception_of_its_step(self, executor: Executor) -> None:
        with pytest.raises(LookupError, match="no such thing"):
            executor.submit(fail, "no such thing").result()

    def test_an_exception_that_cannot_travel_keeps_its_text(self, executor: Executor) -> None:
        with pytest.raises((Unpicklable, HpstudyError), match="a lock inside"):
            executor.submit(fail_unpicklably, "a lock inside").result()

    def test_a_step_after_a_failed_one_is_answered(self, executor: Executor) -> None:
        executor.submit(fail, "first").exception()
        assert executor.submit(double, 1).result() == 2

    def test_a_step_that_takes_too_long_is_ended_or_its_time_out_refused(self, executor: Executor) -> None:
        if self.ends_steps:
            with pytest.raises(StepTimedOut, match=r"0\.2 s"):
                executor.submit(take_too_long, None, 0.2).result()
        else:
            with pytest.raises(UsageError):
                executor.submit(double, 1, 0.2).result()

    def test_a_step_after_one_that_took_too_long_is_answered(self, executor: Executor) -> None:
        if self.ends_steps:
            executor.submit(take_too_long, None, 0.2).exception()
        assert executor.submit(double, 1).result() == 2

    def test_a_remote_executor_whose_workers_are_gone_takes_no_steps(self, executor: Executor) -> None:
        if not self.remote:
            pytest.skip("the workers are processes of this executor")
        assert executor.submit(double, 1).result() == 2
        self.end_workers(executor)
        _wait_until(lambda: not executor.workers, "`workers` must become 0 when there are no workers")

    def test_a_worker_that_joins_is_used(self, executor: Executor) -> None:
        if not self.remote:
            pytest.skip("the workers are processes of this executor")
        self.end_workers(executor)
        _wait_until(lambda: not executor.workers, "`workers` must become 0 when there are no workers")
        self.add_worker(executor)
        _wait_until(lambda: executor.workers, "`workers` must count a worker that joins")
        assert executor.submit(double, 1).result() == 2

    def test_a_step_whose_process_is_killed_says_so(self, executor: Executor) -> None:
        if not self.ends_steps:
            pytest.skip("steps do not run in separate processes")
        with pytest.raises(WorkerDied):
            executor.submit(kill_own_process, None).result()
        assert executor.submit(double, 1).result() == 2

    def test_a_host_with_obstacles_is_refused(self, executor: Executor) -> None:
        if not self.remote:
            pytest.skip("steps run on this host")
        with pytest.raises(StudyChanged, match=r"numpy 0\.9"):
            executor.admit(_Refusal(*_needs()))

    def test_a_host_that_is_like_this_one_is_admitted(self, executor: Executor) -> None:
        executor.admit(Admission(*_needs()))
        assert executor.submit(double, 1).result() == 2

    def test_a_step_that_is_lost_with_its_engine_says_so(self, executor: Executor) -> None:
        if not self.remote:
            pytest.skip("the engine is this process")
        future = executor.submit(take_too_long, None)
        self.end_engine(executor)
        with pytest.raises(EngineLost):
            future.result(timeout=3 * LONG_S)
        with pytest.raises(EngineLost):
            executor.submit(double, 1).result(timeout=3 * LONG_S)

    def test_an_executor_that_isolates_user_code_leaves_nothing_of_a_step_for_the_next(self, executor: Executor) -> None:
        if executor.isolates:
            answers = [executor.submit(count_calls, UserStep()).result() for _ in range(2 * executor.workers)]
            assert answers == [(1, None, 2.0)] * len(answers)

    def test_steps_that_run_at_once_share_no_global_generator(self, executor: Executor) -> None:
        seeds = range(min(executor.workers, 2))
        alone = {seed: executor.submit(draw_slowly, seed).result() for seed in seeds}
        at_once = {seed: executor.submit(draw_slowly, seed) for seed in seeds}
        assert {seed: future.result() for seed, future in at_once.items()} == alone, (
            "concurrent steps share a global generator (random, numpy), so that trials get different numbers; run each step in a "
            "process that no other step uses at the same time"
        )

    def test_numerical_libraries_get_one_thread(self, executor: Executor) -> None:
        assert executor.submit(thread_variables, None).result() == ["1"] * len(THREAD_VARIABLES)

    def test_the_environment_is_as_before_after_closing(self, tmp_path: Path) -> None:
        before = dict(os.environ)
        executor = self.make(tmp_path / "logs")
        executor.submit(double, 1).result()
        executor.close()
        assert dict(os.environ) == before

    def test_closing_awaits_running_steps(self, tmp_path: Path) -> None:
        executor = self.make(tmp_path / "logs")
        future = executor.submit(double, 1)
        executor.close()
        assert future.result() == 2

    def test_an_executor_that_did_nothing_can_be_closed(self, tmp_path: Path) -> None:
        self.make(tmp_path / "logs").close(abort=True)

    def test_no_log_is_left_by_steps_that_print_nothing(self, tmp_path: Path) -> None:
        executor = self.make(tmp_path / "logs")
        executor.submit(double, 1).result()
        executor.close()
        assert not (tmp_path / "logs").exists()

    def test_an_evaluation_is_the_same_as_in_this_process(self, executor: Executor) -> None:
        request = _example_request()
        executor.submit(draw, None).result()
        there, here = executor.submit(evaluate, request).result(), evaluate(request)
        assert [_measured(outcome) for outcome in there.outcomes] == [_measured(outcome) for outcome in here.outcomes]


def _wait_until(happened: Callable[[], object], otherwise: str) -> None:
    deadline = time.monotonic() + 3 * LONG_S
    while not happened():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


class _Refusal(Admission):
    """An admission that finds a different version on every host."""

    def obstacles(self, report: HostReport) -> list[str]:
        """Return one obstacle."""
        return ["numpy 0.9, here 2.0"]


def _needs() -> tuple[HostRequest, KnownSources]:
    """Return the arguments of Admission for a study without user code."""
    study_json = _example_study()
    return HostRequest(study_json, None), KnownSources(Study.from_json(study_json), {})


def _example_study() -> str:
    study = Study.model_validate(
        {
            "name": "contract",
            "task": {"use": "branin", "noise": 1.0},
            "metric": {"name": "value", "goal": "minimize"},
            "views": {"a": {"space": {"x1": {"type": "float", "low": -5, "high": 10}}, "fixed": {"x2": 2.5}}},
            "search": {"searcher": "random", "trials": 2},
            "replicates": 2,
        }
    )
    return bind(study).study.to_json()


def _example_question(replicate: int) -> AskRequest:
    return AskRequest(_example_study(), (SearchKey("a", replicate),), 0, ((),))


def _example_request(replicate: int = 0) -> EvaluateRequest:
    return EvaluateRequest(_example_study(), (Trial(SearchKey("a", replicate), 1, {"x1": 0.5}),), None)


def _measured(outcome: Any) -> tuple[Any, ...]:
    return outcome.state, outcome.metrics, outcome.curves, outcome.failure
