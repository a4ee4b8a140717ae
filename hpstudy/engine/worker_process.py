"""One worker process, seen from the process that runs the study."""

from __future__ import annotations

import math
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import psutil

from hpstudy.engine.executors import THREAD_VARIABLES, StepTimedOut, WorkerDied
from hpstudy.engine.worker import log_path
from hpstudy.modules import search_path

LIVENESS_CHECK_S = 0.5
"""How often a waiting thread looks whether its worker still lives. Death closes the connection at once, unless a process that the
task forked holds it open."""

FAREWELL_S = 5.0
"""How long a worker that was let go may take to end before it is killed."""

BOOT = "import sys; sys.path[:] = {path!r}; from hpstudy.engine.worker import serve; serve({descriptor}, {parent}, {logs!r})"
"""What a worker runs. It gets this process's import path, so that it finds hpstudy and the user's modules where this one did."""


class WorkerProcess:
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
