"""Steps on the workers of a Dask cluster. Dask carries a step to a worker, and there the executor `processes` runs it."""

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
    """The workers of a Dask cluster, which may come and go.

    A worker is used once it is admitted. Steps of a worker that is lost end with WorkerLost, and those of a lost scheduler with EngineLost.

    Args:
        workers: steps at once, at most.
        logs: the folder for what workers print. A host where the folder of the database is missing keeps its logs itself.
        address: of the scheduler, such as tcp://10.0.0.1:8786.
        scheduler_file: instead, the file that `dask scheduler --scheduler-file` wrote.

    Raises:
        UsageError: it is not clear which scheduler is meant.
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
        # Dask leaves futures behind that nobody awaits; asyncio would print their exceptions.
        self._loop.set_exception_handler(lambda _, context: log.debug("in Dask: %s", context))
        self._thread = threading.Thread(target=self._loop.run_forever, name="hpstudy-dask", daemon=True)
        super().__init__(0, logs)

    @classmethod
    def check(cls) -> None:
        """Raises UsageError when Dask is not installed, or this system has no worker processes."""
        if find_spec("distributed") is None:
            raise UsageError("the executor 'dask' needs Dask, which is not installed", "pip install 'hpstudy[dask]'")
        ProcessExecutor.check()

    def admit(self, admission: Admission) -> None:
        """Connect, or connect again, and admit each worker that is there."""
        self._admission = admission
        self._disconnect(abort=False)
        self.connect()

    def submit(self, call: Callable[[Request], Answer], request: Request, timeout_s: float | None = None) -> Future[Answer]:
        """Send the step to the first worker that is free."""
        step = self.connect().run(pickle.dumps((call, request)), timeout_s)
        return asyncio.run_coroutine_threadsafe(step, self._loop)

    def take_notes(self) -> list[str]:
        """Which workers are not used and why, and what their local processes note."""
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
        """Connect at the first call."""
        if self._cluster is None:
            from hpstudy.engine.dask_cluster import Cluster

            if not self._thread.is_alive():
                self._thread.start()
            self._cluster = Cluster(self._scheduler, self._most, self.logs, self._admission, self._announce)
            asyncio.run_coroutine_threadsafe(self._cluster.join(), self._loop).result()
        return self._cluster

    def _announce(self, workers: int) -> None:
        self.workers = workers
