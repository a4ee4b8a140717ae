"""Steps in worker processes of this machine.

Each worker is a fresh interpreter with a connection of its own, served by one thread of this process. Nothing is shared between
workers, so that one which is killed at any moment takes nothing with it but its own step. (Pools that hand out work through one
shared pipe lose a step when its worker dies before the pool has noted who took it.) Workers do not import the main script: a
notebook or a script without `if __name__ == "__main__"` can start them.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from hpstudy.engine.executors import Answer, Executor, Request, WorkerDied
from hpstudy.engine.worker_process import WorkerProcess


class ProcessExecutor(Executor):
    """Worker processes, started when first needed and kept for the whole run.

    A worker has one thread for numerics and a fixed hash seed, ignores Ctrl-C (this process decides when to stop), ends within a
    second when this process ends, however it ends, and prints to `logs`/worker-PID.log.
    """

    def __init__(self, workers: int, logs: Path | None = None) -> None:
        super().__init__(workers, logs)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="hpstudy-worker")
        self._lock = threading.Lock()
        self._idle: list[WorkerProcess] = []
        self._all: set[WorkerProcess] = set()
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

    def _take(self) -> WorkerProcess:
        with self._lock:
            if self._aborted:
                raise WorkerDied("the run was aborted")
            if self._idle:
                return self._idle.pop()
            worker = WorkerProcess(self.logs)
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
