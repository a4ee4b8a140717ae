"""Runs steps on the workers of a Dask cluster. Dask sends a step to a worker, where the executor `processes` runs it."""

from __future__ import annotations

import asyncio
import logging
import pickle
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.engine.admission import Admission
from hpstudy.engine.executors import Answer, Executor, Request
from hpstudy.engine.processes import ProcessExecutor
from hpstudy.errors import UsageError

if TYPE_CHECKING:
    from hpstudy.engine.dask_cluster import Cluster

log = logging.getLogger(__name__)


class DaskExecutor(Executor):
    """Runs steps on a Dask cluster, whose workers may join and leave.

    A worker is used after it is admitted. If a worker is lost, its steps end with WorkerLost; if the scheduler is lost, with EngineLost.

    Args:
        workers: maximum steps at once.
        logs: folder for the output of workers. A host without the database's folder keeps its logs locally.
        address: address of the scheduler, such as tcp://10.0.0.1:8786.
        scheduler_file: instead, the file that `dask scheduler --scheduler-file` wrote.

    Raises:
        UsageError: not exactly one of `address` and `scheduler_file` is given, or there is no such file.
    """

    isolates = True

    def __init__(
        self,
        workers: int = sys.maxsize,
        logs: Path | None = None,
        *,
        address: str | None = None,
        scheduler_file: str | None = None,
    ) -> None:
        if (address is None) == (scheduler_file is None):
            raise UsageError(
                "the executor 'dask' needs the scheduler: either --address or --scheduler-file", "see docs/how-to/clusters.md"
            )
        if scheduler_file is not None and not Path(scheduler_file).is_file():
            raise UsageError(
                f"there is no file {scheduler_file}", f"start a scheduler: dask scheduler --scheduler-file {scheduler_file}"
            )
        self._most = workers
        self._scheduler = {"address": address} if address is not None else {"scheduler_file": str(scheduler_file)}
        self._admission: Admission | None = None
        self._cluster: Cluster | None = None
        self._loop = asyncio.new_event_loop()
        # Dask leaves futures that are never awaited; asyncio would print their exceptions.
        self._loop.set_exception_handler(lambda _, context: log.debug("in Dask: %s", context))
        self._thread = threading.Thread(target=self._loop.run_forever, name="hpstudy-dask", daemon=True)
        super().__init__(0, logs)

    @classmethod
    def check(cls) -> None:
        """Raise UsageError if Dask is not installed, or this system cannot run worker processes."""
        if find_spec("distributed") is None:
            raise UsageError("the executor 'dask' needs Dask, which is not installed", "pip install 'hpstudy[dask]'")
        ProcessExecutor.check()

    def admit(self, admission: Admission) -> None:
        """Connect or reconnect, and admit each present worker."""
        self._admission = admission
        self._disconnect(abort=False)
        self.connect()

    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Send the step to the first free worker."""
        step = self.connect().run(pickle.dumps((call, request)), timeout_s)
        return asyncio.run_coroutine_threadsafe(step, self._loop)

    def take_notes(self) -> list[str]:
        """Notes on workers that are not used, with the reason, and the notes of their local processes."""
        return self._cluster.take_notes() if self._cluster else []

    def close(self, *, abort: bool = False) -> None:
        """Disconnect. The local processes of the session end; the workers of Dask stay."""
        self._disconnect(abort=abort)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        if self.logs is not None:
            with suppress(OSError):  # not there, or not empty
                self.logs.rmdir()

    def _disconnect(self, *, abort: bool) -> None:
        if self._cluster is not None:
            asyncio.run_coroutine_threadsafe(self._cluster.leave(abort=abort), self._loop).result()
            self._cluster = None

    def connect(self) -> Cluster:
        """The connection, opened at the first call."""
        if self._cluster is None:
            from hpstudy.engine.dask_cluster import Cluster

            if not self._thread.is_alive():
                self._thread.start()
            self._cluster = Cluster(self._scheduler, self._most, self.logs, self._admission, self._announce)
            asyncio.run_coroutine_threadsafe(self._cluster.join(), self._loop).result()
        return self._cluster

    def _announce(self, workers: int) -> None:
        self.workers = workers
