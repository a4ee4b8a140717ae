"""The handle that the process of the study has to one worker process."""

from __future__ import annotations

import math
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import psutil

from hpstudy.engine.executors import MEMORY_VARIABLES, THREAD_VARIABLES, StepTimedOut, UserCodeRequest
from hpstudy.engine.trial_server import WarmUp, ends
from hpstudy.engine.worker import READY, death, log_path
from hpstudy.modules import search_path

LIVENESS_CHECK_S = 0.5
"""Seconds between checks that a worker is alive. Its death closes the connection at once, unless a process that the task
forked keeps it open."""

SHUTDOWN_GRACE_S = 5.0
"""Seconds that a worker may take to end after its connection is closed, before it is killed."""

BOOT = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve({descriptor}, {parent}, {logs!r})"
"""The program of a worker. It gets this process's import path, so that it imports hpstudy and the user's modules from the same places."""

FORK_VARIABLES = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
"""Variables that keep a trial server able to fork: pyarrow, which pandas and scikit-learn load, starts no allocator thread, and
torch.cuda.is_available() does not initialize CUDA."""


class WorkerProcess:
    """One worker process and this process's end of its connection.

    Args:
        logs: folder for its output; None for the output streams of this process.

    Attributes:
        started: whether it is ready for steps.
        reusable: whether it can run another step. Valid once it has started.
        note: the reason if it is not reusable, one sentence; otherwise "".
    """

    module = "hpstudy.engine.worker"
    """The module whose `serve` the process runs."""

    variables: Mapping[str, str] = {}
    """Additional environment variables of the process."""

    def __init__(self, logs: Path | None) -> None:
        self._connection, theirs = Pipe()
        fixed = {**dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONHASHSEED": "0"}
        environment = {**MEMORY_VARIABLES, **os.environ, **fixed, **self.variables}
        end = theirs.fileno()
        path, folder = search_path(), str(logs) if logs else None
        boot = BOOT.format(module=self.module, path=path, descriptor=end, parent=os.getpid(), logs=folder)
        with theirs, _without_interrupts():
            self._process = subprocess.Popen(
                [sys.executable, "-c", boot], stdin=subprocess.DEVNULL, env=environment, pass_fds=[end]
            )
        self.started = False
        self.reusable = True
        self.note = ""
        self.log = log_path(logs, self._process.pid) if logs else None

    def await_ready(self) -> None:
        """Wait until the new process has loaded hpstudy.

        Raises:
            WorkerDied: it has ended.
            OutOfResources: its output cannot be written.
        """
        with self._dying():
            message = self._receive(None)
        if message != READY:
            raise pickle.loads(message)[1]

    def start(self, request: object) -> None:
        """Prepare for steps such as `request`. Raises WorkerDied if the worker has ended."""
        self.started = True

    def answer(self, payload: bytes, timeout_s: float | None) -> tuple[bool, Any]:
        """Send a packed request to the started worker and wait for its answer.

        Raises:
            WorkerDied: the worker ended.
            StepTimedOut: there was no answer within the time limit.
        """
        with self._dying():
            self._connection.send_bytes(payload)
            answer = self._receive(timeout_s)
        return pickle.loads(answer)  # type: ignore[no-any-return]

    @contextmanager
    def _dying(self) -> Iterator[None]:
        """Convert a lost connection to WorkerDied with its reason."""
        try:
            yield
        except (EOFError, OSError) as error:
            raise death("the worker process", self._exit_code(), self.log) from error

    def _receive(self, timeout_s: float | None) -> bytes:
        """The next message. Raises EOFError if the worker has ended, StepTimedOut if there was no message in time.

        While this process is stopped (Ctrl-Z), its time does not count: the worker is stopped too, or its message could not be taken.
        """
        left_s = math.inf if timeout_s is None else timeout_s
        while not self._connection.poll(wait_s := min(LIVENESS_CHECK_S, left_s)):
            left_s -= wait_s
            if left_s <= 0:
                raise StepTimedOut(f"it took longer than {timeout_s:g} s and was ended")
            if not self.is_alive() and not self._connection.poll():
                raise EOFError
        return self._connection.recv_bytes()

    def is_alive(self) -> bool:
        """Whether its process has not ended. It is not reaped, so that `kill` finds its group."""
        return self._process.returncode is None and not ends(self._process.pid, 0.0)

    def _exit_code(self) -> int | None:
        """As `subprocess.Popen.returncode`; None for a process that closed its connection and is still alive."""
        if not ends(self._process.pid, SHUTDOWN_GRACE_S):
            return None
        self.kill()  # the other processes of its group
        return self._process.wait()

    def kill(self) -> None:
        """Kill the worker and the processes that its task started."""
        with suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            for descendant in (*process.children(recursive=True), process):
                with suppress(psutil.Error, ProcessLookupError):
                    if (
                        os.getpgid(descendant.pid) == descendant.pid
                    ):  # a trial; its group contains processes that lost their parent
                        os.killpg(descendant.pid, signal.SIGKILL)
                    descendant.kill()

    def shut_down(self) -> None:
        """Tell the worker that there is no more work."""
        self._connection.close()

    def wait(self) -> None:
        """Wait until the worker has ended, and kill it if it does not. An empty log is removed."""
        try:
            self._process.wait(SHUTDOWN_GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        with suppress(OSError):
            if self.log is not None and self.log.stat().st_size == 0:
                self.log.unlink()


class TrialServerProcess(WorkerProcess):
    """A trial server, for steps that run a user's code."""

    module = "hpstudy.engine.trial_server"
    variables = FORK_VARIABLES

    def start(self, request: object) -> None:
        """Wait until the server has imported the user's modules. There is no time limit."""
        assert isinstance(request, UserCodeRequest)
        super().start(request)
        with self._dying():
            self._connection.send_bytes(pickle.dumps(request))
            warm_up: WarmUp = pickle.loads(self._receive(None))
        self.reusable = warm_up.obstacles == ()
        if not self.reusable:
            self.note = _cost(warm_up, request.user_modules)


def _cost(warm_up: WarmUp, modules: Sequence[str]) -> str:
    """The reason why each trial needs a new process, and the cost."""
    cost = f"each trial starts a new process and imports again ({warm_up.duration_s:.1f} s)"
    if warm_up.obstacles is None:
        return f"trials of your own code cannot share an import on this system: {cost}"
    first, *others = warm_up.obstacles
    more = f" and {len(others)} more" if others else ""
    return f"importing {', '.join(modules)} leaves {first}{more}: {cost}"


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Block SIGINT while a process starts, so that it ignores Ctrl-C before its own handler is installed."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
