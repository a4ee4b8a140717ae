"""Runs steps in worker processes on this machine.

Each worker is a new interpreter with its own connection, served by one thread of this process. Workers share nothing, so a killed worker
loses only its own step. (A pool with one shared pipe loses a step if its worker dies before the pool has noted which worker took it.)
Workers do not import the main script, so a notebook or a script without `if __name__ == "__main__"` can start them.
"""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from hpstudy.engine.executors import Answer, Executor, OutOfResources, Request, UserCodeRequest, WorkerDied
from hpstudy.engine.failures import reason_of
from hpstudy.engine.worker_process import TrialServerProcess, WorkerProcess
from hpstudy.errors import UsageError

START_ATTEMPTS = 3
"""How often in sequence a new worker may fail to start before the run ends. Fewer: a moment without memory or free process ends it."""

START_PAUSE_S = 1.0
"""Seconds between these attempts."""


class ProcessExecutor(Executor):
    """Worker processes, started when first needed and kept for the whole run.

    A step that runs a user's code gets a process of its own, forked by a trial server (`hpstudy.engine.trial_server`). All other steps
    run in workers, which never import a user's module. There is one trial server for each running step and kind of request.

    A worker has one thread for numerics and a fixed hash seed. It ignores Ctrl-C, because this process decides when to stop. It ends within
    a second after this process ends for any reason, and prints to `logs`/worker-PID.log.
    """

    isolates = True

    @classmethod
    def check(cls) -> None:
        """Check that the operating system can fork processes.

        Raises:
            UsageError: it cannot.
        """
        if not hasattr(os, "fork"):
            raise UsageError(
                "the executor 'processes' forks processes, which this operating system cannot do",
                "use Linux or macOS, on Windows through WSL; or run one step at a time: --executor inline",
            )

    def __init__(self, workers: int, logs: Path | None = None) -> None:
        super().__init__(workers, logs)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="hpstudy-worker")
        self._lock = threading.Lock()
        self._idle: defaultdict[type | None, list[WorkerProcess]] = defaultdict(list)
        self._all: set[WorkerProcess] = set()
        self._note = ""
        self._note_taken = False
        self._aborted = False

    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Run the step in an idle worker, or in a new one."""
        return self._threads.submit(self._step, call, request, timeout_s)

    def _step(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None) -> Answer:
        payload = pickle.dumps((call, request))
        kind = type(request) if isinstance(request, UserCodeRequest) and request.user_modules else None
        worker = self._ready_worker(kind)
        try:
            if not worker.started:
                worker.start(request)
                self._note = self._note or worker.note
            succeeded, answer = worker.answer(payload, timeout_s)
        except BaseException:
            self._end(worker)
            raise
        if worker.reusable:
            with self._lock:
                self._idle[kind].append(worker)
        else:
            self._end(worker)
        if not succeeded:
            raise answer
        return answer  # type: ignore[no-any-return]

    def _ready_worker(self, kind: type | None) -> WorkerProcess:
        """An idle worker, or a new one that has loaded hpstudy. Arguments as `_take`.

        Raises:
            OutOfResources: no new worker can be started, or its output cannot be written. It has run no code of a trial.
        """
        failures = 0
        while True:
            worker = None
            try:
                worker = self._take(kind)
                if not worker.started:
                    worker.await_ready()
                elif not worker.is_alive():  # the system may have ended it to free memory
                    self._end(worker)
                    continue
                return worker
            except (OSError, OutOfResources, WorkerDied) as error:
                if worker is not None:
                    self._end(worker)
                if self._aborted or isinstance(error, OutOfResources):
                    raise
                failures += 1
                if failures == START_ATTEMPTS:
                    raise OutOfResources(f"worker processes cannot be started: {reason_of(error)}") from error
                time.sleep(START_PAUSE_S)

    def _take(self, kind: type | None) -> WorkerProcess:
        """An idle worker, or a new one.

        Args:
            kind: request type of a trial server; None for a worker.
        """
        with self._lock:
            if self._aborted:
                raise WorkerDied("the run was aborted")
            if self._idle[kind]:
                return self._idle[kind].pop()
            worker = WorkerProcess(self.logs) if kind is None else TrialServerProcess(self.logs)
            self._all.add(worker)
            return worker

    def _end(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._all.discard(worker)
        worker.kill()
        worker.shut_down()
        worker.wait()

    def take_notes(self) -> list[str]:
        """The reason why each trial needs a new process, once per run."""
        if not self._note or self._note_taken:
            return []
        self._note_taken = True
        return [self._note]

    def close(self, *, abort: bool = False) -> None:
        """End the workers. Empty logs are removed."""
        if abort:
            with self._lock:
                self._aborted = True
                workers = list(self._all)
            for worker in workers:
                worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=abort)
        for worker in self._all:
            worker.shut_down()
        for worker in self._all:
            worker.wait()
        if self.logs is not None:
            with suppress(OSError):  # not there, or not empty
                self.logs.rmdir()
