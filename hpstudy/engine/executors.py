"""Where steps run: the interface of every executor, and the table of them."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from hpstudy.errors import HpstudyError
from hpstudy.registry import Entry, Registry

if TYPE_CHECKING:
    from hpstudy.engine.admission import Admission

EXECUTORS = Registry(
    "executor",
    "subclass hpstudy.engine.executors.Executor and give --executor my_module:MyExecutor",
    {
        "inline": Entry(
            "in this process, one step at a time; no time-outs, no isolation of your own code",
            "hpstudy.engine.inline:InlineExecutor",
        ),
        "processes": Entry(
            "in worker processes of this machine, one thread each; every trial of your own code in a process of its own",
            "hpstudy.engine.processes:ProcessExecutor",
        ),
        "dask": Entry(
            "on the workers of a Dask cluster (--address or --scheduler-file), in local processes there",
            "hpstudy.engine.dask_executor:DaskExecutor",
        ),
    },
)

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What numerical libraries read when they are loaded. Steps run with one thread: workers then do not compete for cores, and sums
are taken in the same order on every number of cores."""

MEMORY_VARIABLES = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""glibc keeps freed memory for the next tensor instead of returning it to the system. Else every large tensor of an update costs page
faults: up to a quarter of the time of networks that are trained together. The user's own values are kept."""

UNLIMITED_CORES = 2**31
"""More than any machine has."""


@runtime_checkable
class UserCodeRequest(Protocol):
    """The request of a step that may run a user's code."""

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The user's modules that the step runs; empty when it runs only hpstudy's own code."""

    def warm(self) -> AbstractContextManager[None]:
        """A block in which these modules are imported, and what all such steps share is loaded. It runs no step."""


Request = TypeVar("Request")
Answer = TypeVar("Answer")


class StepEnded(HpstudyError):
    """A step ended without an answer.

    Attributes:
        environment: of the host that ran it (`hpstudy.engine.environment`), where an executor knows it.
    """

    environment: Mapping[str, str] = MappingProxyType({})


class WorkerDied(StepEnded):
    """The process that ran a step ended without an answer."""


class WorkerLost(WorkerDied):
    """What ran the process of a step is gone or cannot be reached, such as a machine of a cluster.

    The step is run again. It does not count as one of `limits.max_attempts`, so that an outage does not change a result.
    """


class StepTimedOut(StepEnded):
    """A step took longer than it was given, and was ended."""


class EngineLost(HpstudyError):
    """What runs the steps is gone, such as the scheduler of a cluster, and this step with it.

    It is no fault of the step: the run ends, its trials stay stored as running, and `hpstudy resume` evaluates them again.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "`hpstudy resume` continues the study when it is back") -> None:
        super().__init__(message, hint)


class Executor(ABC):
    """Runs steps, in the shape of `concurrent.futures`.

    Life cycle: made once per run, and costs nothing until the first `submit`; `submit` is called from one thread, with at most
    `workers` steps under way at any time; `close` is called once, also after errors.

    Args:
        workers: steps that run side by side.
        logs: the folder for what workers print, made when first needed; None to let them print where this process does.

    Attributes:
        workers: steps that it can run now. Where workers come and go it changes during the run; 0 while there is none.
    """

    workers: int

    isolates = False
    """Whether a step that runs a user's code leaves nothing behind in the processes of other steps."""

    def __init__(self, workers: int, logs: Path | None = None) -> None:
        self.workers = workers
        self.logs = logs

    @classmethod
    def check(cls) -> None:
        """Called before a run opens its database.

        Raises:
            UsageError: this executor cannot run on this machine.
        """

    def admit(self, admission: Admission) -> None:
        """Ask whether each host may run steps of the study. Called at most once, before the first `submit`.

        An executor whose steps run on other hosts runs `admission.request` on each of them before its first step, and uses only hosts
        without `admission.obstacles`. By default nothing is asked: the steps run on this host.

        Raises:
            StudyChanged: a host that is there has obstacles. A host that joins later is not used then, and a note says why.
            EngineLost: what runs the steps cannot be reached.
        """

    @abstractmethod
    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Run `call(request)`.

        Args:
            call: a function that a module defines, so that another process finds it.
            request: its argument; argument and answer must be picklable.
            timeout_s: seconds after which the step is ended.

        Returns:
            A future with the answer, or with the exception that `call` raised, or with WorkerDied, WorkerLost, StepTimedOut or EngineLost.

        Raises:
            EngineLost: no step can be run any more.
        """

    def take_notes(self) -> list[str]:
        """What the user should know about the steps so far. Each note is returned once."""
        return []

    @abstractmethod
    def close(self, *, abort: bool = False) -> None:
        """Let all workers go. Steps under way are awaited; with `abort` they are ended, and their futures hold WorkerDied."""


def default_workers() -> int:
    """The physical cores that this process may use.

    Two trainings on the two threads of one core take about as long as one after the other.
    """
    import psutil

    logical = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or logical
    return max(1, min(physical, logical, _granted_cores(Path("/sys/fs/cgroup/cpu.max"))))


def _granted_cores(cpu_max: Path) -> int:
    """The cores that a container may use (cgroup v2: "quota period" in microseconds); a large number without a limit."""
    try:
        quota, period = cpu_max.read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return UNLIMITED_CORES
