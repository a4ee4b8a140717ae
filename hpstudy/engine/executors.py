"""The executor interface and the table of built-in executors. An executor decides where steps run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from hpstudy.cores import usable_cores
from hpstudy.errors import HpstudyError, PluginError
from hpstudy.registry import Entry, Registry

if TYPE_CHECKING:
    from hpstudy.engine.admission import Admission

EXECUTORS = Registry(
    "executor",
    "subclass hpstudy.engine.executors.Executor and pass --executor my_module:MyExecutor",
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
"""Environment variables that numerical libraries read when they are loaded. Steps run with one thread: workers then do not compete for
cores, and sums are taken in the same order for any number of cores."""

MEMORY_VARIABLES = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""glibc keeps freed memory for the next tensor instead of returning it to the system. Otherwise every large tensor of an
update causes page faults: up to a quarter of the time of networks that are trained together. Values that the user has set are kept."""

UNLIMITED_CORES = 2**31
"""Larger than the number of cores of any machine."""


@runtime_checkable
class UserCodeRequest(Protocol):
    """A request whose step may run a user's code."""

    @property
    def user_modules(self) -> tuple[str, ...]:
        """The user's modules that the step runs; empty when it runs only hpstudy's own code."""

    def warm(self) -> AbstractContextManager[None]:
        """A block with these modules imported and everything that such steps share loaded. It runs no step."""


Request = TypeVar("Request")
Answer = TypeVar("Answer")


class StepEnded(HpstudyError):
    """A step ended without an answer.

    Attributes:
        environment: environment of the host that ran it (`hpstudy.engine.environment`), if the executor knows it.
    """

    environment: Mapping[str, str] = MappingProxyType({})


class WorkerDied(StepEnded):
    """The process that ran a step ended without an answer."""


class WorkerLost(WorkerDied):
    """The machine that ran the process of a step is lost or unreachable.

    The step runs again. The loss does not count toward `limits.max_attempts`, so an outage does not change a result.
    """


class StepTimedOut(StepEnded):
    """A step exceeded its time limit and was ended."""


class OutOfResources(StepEnded):
    """The machine lacks what a step needs: space on a disk, or memory for a process.

    It is no outcome of a trial. No new step starts, and when the running ones have ended, the run ends with this error. The trials of this
    step stay stored as running, and `hpstudy resume` evaluates them again.
    """

    def __init__(self, message: str, hint: str = "free what is short; `hpstudy resume` continues the study") -> None:
        super().__init__(message, hint)


class EngineLost(HpstudyError):
    """The system that runs the steps, such as the scheduler of a cluster, is lost, and this step with it.

    The step did not cause it. The run ends, its trials stay stored as running, and `hpstudy resume` evaluates them again.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "`hpstudy resume` continues the study when it is back") -> None:
        super().__init__(message, hint)


class Executor(ABC):
    """Runs steps; the interface follows `concurrent.futures`.

    Life cycle: it is created once per run and uses no resources until the first `submit`. `submit` is called from one thread, with at most
    `workers` steps running at any time. `close` is called once, also after errors.

    Args:
        workers: number of steps that run in parallel.
        logs: folder for the output of workers, created when first needed; None for the output streams of this process.

    Attributes:
        workers: number of steps that it can run now. It changes during the run if workers join and leave; 0 while there is none.
    """

    workers: int

    isolates = False
    """Whether steps that run a user's code are isolated: one leaves no state in the process of another."""

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
        """Check whether each host may run steps of the study. Called at most once, before the first `submit`.

        An executor whose steps run on other hosts runs `admission.request` on each of them before its first step, and uses only hosts
        without `admission.obstacles`. By default nothing is checked, because the steps run on this host.

        Raises:
            StudyChanged: a present host has obstacles. A host with obstacles that joins later is not used, and a note gives the reason.
            EngineLost: the system that runs the steps cannot be reached.
        """

    @abstractmethod
    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Run `call(request)`.

        Args:
            call: a function defined at module level, so that another process can import it.
            request: its argument. Argument and answer must be picklable.
            timeout_s: time limit of the step in seconds.

        Returns:
            A future with the answer of this step, which names its trials, or with the exception that `call` raised, or with WorkerDied,
            WorkerLost, StepTimedOut, OutOfResources or EngineLost.

        Raises:
            EngineLost: no more steps can run.
        """

    def take_notes(self) -> list[str]:
        """Notes for the user about the steps so far. Each note is returned once."""
        return []

    @abstractmethod
    def close(self, *, abort: bool = False) -> None:
        """Shut down all workers. Wait for running steps, or with `abort` end them; their futures then hold WorkerDied."""


def executor_class(name: str) -> type[Executor]:
    """The class of an executor. Raises PluginError if a user-defined one cannot be imported, or is no executor."""
    kind = EXECUTORS.load(name)
    if not (isinstance(kind, type) and issubclass(kind, Executor)):
        raise PluginError(f"'{name}' is not an executor", EXECUTORS.extend)
    return kind


def default_workers() -> int:
    """The number of physical cores that this process may use.

    Two trainings on the two threads of one core take about as long in parallel as in sequence.
    """
    import psutil

    logical = usable_cores()
    physical = psutil.cpu_count(logical=False) or logical
    return max(1, min(physical, logical, _granted_cores(Path("/sys/fs/cgroup/cpu.max"))))


def _granted_cores(cpu_max: Path) -> int:
    """The number of cores that a container may use (cgroup v2: "quota period" in microseconds); a large number if unlimited."""
    try:
        quota, period = cpu_max.read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return UNLIMITED_CORES
