"""Where steps run: in this process, or in worker processes.

An executor is shaped like those of `concurrent.futures`: `submit` returns a future. A future's exception is `WorkerDied` or
`StepTimedOut` when the step gave no answer; steps themselves raise nothing that a task can cause.
"""

from __future__ import annotations

import multiprocessing
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from hpstudy.engine.worker import start_worker
from hpstudy.errors import HpstudyError, UsageError
from hpstudy.registry import Entry, Registry

Request = TypeVar("Request")
Answer = TypeVar("Answer")

EXECUTORS = Registry(
    "executor",
    "write a subclass of hpstudy.engine.executors.Executor and add a line to EXECUTORS in hpstudy/engine/executors.py",
    {
        "inline": Entry("in this process, one step at a time; no time-outs", "hpstudy.engine.executors:InlineExecutor"),
        "processes": Entry("in worker processes of this machine, one thread each", "hpstudy.engine.executors:ProcessExecutor"),
    },
)

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Read by numerical libraries when a worker loads them. With several workers, more threads than one cost time and gain nothing."""


class WorkerDied(HpstudyError):
    """The process that ran a step ended without an answer."""


class StepTimedOut(HpstudyError):
    """A step took longer than it was given, and was ended."""


class Executor(ABC):
    """Runs steps.

    Life cycle: made with the number of workers and a folder for logs; `submit` from one thread, with at most `workers` steps under way;
    `close` once.
    """

    workers: int

    @abstractmethod
    def __init__(self, workers: int, logs: Path) -> None: ...

    @abstractmethod
    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Run `call(request)`.

        Args:
            call: a function that a module defines, so that another process finds it.
            request: picklable.
            timeout_s: seconds after which the step is ended and its future raises StepTimedOut.
        """

    @abstractmethod
    def close(self, *, abort: bool = False) -> None:
        """Let all workers go; with `abort`, without waiting for the steps under way."""


class InlineExecutor(Executor):
    """Runs every step in this process when it is submitted. For notebooks, debuggers and fast functions."""

    def __init__(self, workers: int, logs: Path) -> None:
        self.workers = 1

    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Run the step now. Raises UsageError for a time-out, which this process could not enforce on itself."""
        if timeout_s is not None:
            raise UsageError(
                "the inline executor cannot end a trial after a time-out",
                "use --executor processes, or leave limits.timeout_s out",
            )
        future: Future[Answer] = Future()
        try:
            future.set_result(call(request))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self, *, abort: bool = False) -> None:
        """Nothing to let go."""


class ProcessExecutor(Executor):
    """Worker processes, started fresh (spawn) and kept for the whole run.

    A worker has one thread for numerics, ignores Ctrl-C (this process decides when to stop), ends when this process ends however it ends, and
    writes what a task prints to a file of its own.
    """

    def __init__(self, workers: int, logs: Path) -> None:
        from pebble import ProcessPool

        self.workers = workers
        self._logs = logs
        self._environment = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        self._pool = ProcessPool(
            max_workers=workers,
            initializer=start_worker,
            initargs=(os.getpid(), str(logs)),
            context=multiprocessing.get_context("spawn"),
        )

    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Run the step in a worker."""
        answer: Future[Answer] = Future()
        inner = self._pool.schedule(call, args=(request,), timeout=timeout_s)
        inner.add_done_callback(lambda done: _pass_on(done, answer, timeout_s))
        return answer

    def close(self, *, abort: bool = False) -> None:
        """Let the workers finish (or, with `abort`, end them), and remove logs in which nothing was written."""
        if abort:
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for log in _empty_files(self._logs):
            log.unlink()
        with suppress(OSError):
            self._logs.rmdir()


def _pass_on(done: Future[Any], answer: Future[Any], timeout_s: float | None) -> None:
    """Hand a pool's result to the caller's future, in this module's own terms."""
    from pebble import ProcessExpired

    try:
        answer.set_result(done.result())
    except TimeoutError:
        answer.set_exception(StepTimedOut(f"ended after {timeout_s:g} s"))
    except ProcessExpired as error:
        answer.set_exception(WorkerDied(f"the worker process ended with exit code {error.exitcode}"))
    except CancelledError:
        answer.set_exception(WorkerDied("the run was aborted"))
    except BaseException as error:
        answer.set_exception(error)


def _empty_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("worker-*.log") if path.stat().st_size == 0) if folder.is_dir() else iter(())


def default_workers() -> int:
    """The physical cores that this process may use."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or usable, usable))
