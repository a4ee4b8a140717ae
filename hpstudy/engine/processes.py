"""Steps in worker processes of this machine.

Each worker is a fresh interpreter with a connection of its own, served by one thread of this process. Nothing is shared between
workers, so that one which is killed at any moment takes nothing with it but its own step. (Pools that hand out work through one
shared pipe lose a step when its worker dies before the pool has noted who took it.) Workers do not import the main script: a
notebook or a script without `if __name__ == "__main__"` can start them.
"""

from __future__ import annotations

import math
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import psutil

from hpstudy.engine.executors import THREAD_VARIABLES, Answer, Executor, Request, StepTimedOut, WorkerDied
from hpstudy.engine.worker import log_path
from hpstudy.modules import search_path

LIVENESS_CHECK_S = 0.5
"""How often a waiting thread looks whether its worker still lives. Death closes the connection at once, unless a process that the
task forked holds it open."""

FAREWELL_S = 5.0
"""How long a worker that was let go may take to end before it is killed."""

BOOT = "import sys; sys.path[:] = {path!r}; from hpstudy.engine.worker import serve; serve({descriptor}, {parent}, {logs!r})"
"""What a worker runs. It gets this process's import path, so that it finds hpstudy and the user's modules where this one did."""


class ProcessExecutor(Executor):
    """Worker processes, started when first needed and kept for the whole run.

    A worker has one thread for numerics and a fixed hash seed, ignores Ctrl-C (this process decides when to stop), ends within a
    second when this process ends, however it ends, and prints to `logs`/worker-PID.log.
    """

    def __init__(self, workers: int, logs: Path | None = None) -> None:
        super().__init__(workers, logs)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="hpstudy-worker")
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._aborted = False

    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Run the step in an idle worker, or in a new one."""
        return self._threads.submit(self._step, call, request, timeout_s)

    def _step(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None) -> Answer:
        payload = pickle.dumps((call, request))
        worker = self._take()
        try:
            succeeded, answer = worker.answer(payload, timeout_s)
        except BaseException:
            with self._lock:
                self._all.discard(worker)
            worker.kill()
            worker.let_go()
            worker.wait()
            raise
        with self._lock:
            self._idle.append(worker)
        if not succeeded:
            raise answer
        return answer  # type: ignore[no-any-return]

    def _take(self) -> _Worker:
        with self._lock:
            if self._aborted:
                raise WorkerDied("the run was aborted")
            if self._idle:
                return self._idle.pop()
            worker = _Worker(self.logs)
            self._all.add(worker)
            return worker

    def close(self, *, abort: bool = False) -> None:
        """Let the workers go, and remove the logs in which nothing was written."""
        if abort:
            with self._lock:
                self._aborted = True
                workers = list(self._all)
            for worker in workers:
                worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=abort)
        for worker in self._all:
            worker.let_go()
        for worker in self._all:
            worker.wait()
        if self.logs is not None and self.logs.is_dir():
            for log in self.logs.glob("worker-*.log"):
                if log.stat().st_size == 0:
                    log.unlink()
            with suppress(OSError):  # not empty
                self.logs.rmdir()


class _Worker:
    """One worker process and this process's end of its connection."""

    def __init__(self, logs: Path | None) -> None:
        self._connection, theirs = Pipe()
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONHASHSEED": "0"}
        end = theirs.fileno()
        path, folder = search_path(), str(logs) if logs else None
        boot = BOOT.format(path=path, descriptor=end, parent=os.getpid(), logs=folder)
        with theirs, _without_interrupts():
            self._process = subprocess.Popen(
                [sys.executable, "-c", boot], stdin=subprocess.DEVNULL, env=environment, pass_fds=[end]
            )
        self._started = False
        self.log = log_path(logs, self._process.pid) if logs else None

    def answer(self, payload: bytes, timeout_s: float | None) -> tuple[bool, Any]:
        """Send a request and wait for its answer; the time that the worker takes to start does not count.

        Raises:
            WorkerDied: the worker ended.
            StepTimedOut: there was no answer in time.
        """
        try:
            if not self._started:
                self._receive(None)
                self._started = True
            self._connection.send_bytes(payload)
            answer = self._receive(timeout_s)
        except (EOFError, OSError) as error:
            raise WorkerDied(f"the worker process {self._fate()}", self._advice()) from error
        return pickle.loads(answer)  # type: ignore[no-any-return]

    def _receive(self, timeout_s: float | None) -> bytes:
        """The next message. Raises EOFError when the worker has ended, StepTimedOut when there was no message in time."""
        deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s
        while not self._connection.poll(max(0.0, min(LIVENESS_CHECK_S, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                raise StepTimedOut(f"it took longer than {timeout_s:g} s and was ended")
            if self._process.poll() is not None and not self._connection.poll():
                raise EOFError
        return self._connection.recv_bytes()

    def _fate(self) -> str:
        try:
            code = self._process.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            return "closed its connection"
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            return f"was ended by signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"was ended by signal {-code}"

    def _advice(self) -> str:
        log = f"see {self.log}" if self.log is not None and self.log.exists() and self.log.stat().st_size else ""
        if self._process.returncode == -signal.SIGKILL:
            return "; ".join(filter(None, ["the system may have run out of memory: try fewer workers", log]))
        return log

    def kill(self) -> None:
        """End the worker now, and the processes that its task started."""
        with suppress(psutil.Error):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    process.kill()
        self._process.kill()

    def let_go(self) -> None:
        """Tell the worker that there is no more to do."""
        self._connection.close()

    def wait(self) -> None:
        """Wait until the worker has ended; one that does not is killed."""
        try:
            self._process.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """A process that starts in this block is born deaf to Ctrl-C, before its own code can say so."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
