"""The workers of a Dask cluster as seen by a session: which are connected, which are admitted, and which steps they run.

Everything runs in one event loop. Each step is sent to exactly one worker, so a lost worker loses the steps that were sent to it.
"""

from __future__ import annotations

import asyncio
import math
import pickle
import uuid
import warnings
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker
from distributed.client import FutureCancelledError
from distributed.versions import VersionMismatchWarning

from hpstudy.engine.admission import MIXED_HINT, Admission, HostReport, report_host
from hpstudy.engine.dask_worker import Answer, end_session, run_step
from hpstudy.engine.executors import EngineLost, StepTimedOut, WorkerDied, WorkerLost
from hpstudy.engine.failures import reason_of
from hpstudy.engine.roots import portable
from hpstudy.errors import HpstudyError, StudyChanged

POLL_S = 0.5
"""Seconds between two listings of the cluster's workers."""

SILENT_S = 60.0
"""Seconds without an answer before a connected scheduler is considered lost."""

CLOSE_S = 5.0
"""Seconds that the end of a session waits for Dask."""


class _Worker:
    """A Dask worker.

    Attributes:
        slots: steps that it can run at once; 0 unless it is admitted.
        busy: steps running on it.
        gone: set when it has left the cluster, and when the session ends.
    """

    def __init__(self, address: str, info: Mapping[str, Any]) -> None:
        self.address = address
        self.host: str = info["host"]
        self.threads: int = info["nthreads"]
        self.resources: Mapping[str, float] = info["resources"]
        self.slots = 0
        self.busy = 0
        self.gone = asyncio.Event()

    def fits(self, needed: Mapping[str, float]) -> int:
        """The number of steps that its threads and resources can run at once."""
        return min([self.threads, *(math.floor(self.resources.get(name, 0.0) / amount) for name, amount in needed.items())])


class _Host:
    """A host of workers: whether the task is prepared there."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.prepared = False


class Cluster:
    """A connection to a Dask cluster. `join`, `run` and `leave` are called in one event loop.

    Args:
        scheduler: arguments of `distributed.Client`: the address, or the scheduler file.
        most: maximum steps at once.
        logs: folder for the output of local processes; None for the output streams of the Dask workers.
        admission: requirements for a worker; None to use every worker.
        announce: called with the number of steps that can run at once whenever it may have changed.
    """

    def __init__(
        self,
        scheduler: Mapping[str, str],
        most: int,
        logs: Path | None,
        admission: Admission | None,
        announce: Callable[[int], None],
    ) -> None:
        self._announce = announce
        self._scheduler = scheduler
        self._name = next(iter(scheduler.values()))
        self._most = most
        self._logs = None if logs is None else portable(logs)
        self._admission = admission
        self._needed = admission.resources if admission else {}
        self._session = uuid.uuid4().hex
        self._numbers = count()
        self._steps = 0
        self._workers: dict[str, _Worker] = {}
        self._hosts: dict[str, _Host] = {}
        self._refused: list[str] = []
        self._notes: list[str] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._changed = asyncio.Condition()
        self._end: HpstudyError | None = None

    def take_notes(self) -> list[str]:
        """Notes for the user. Each note is returned once."""
        notes, self._notes = self._notes, []
        return notes

    async def join(self) -> None:
        """Connect, check the present workers, and start watching the cluster.

        Raises:
            EngineLost: no scheduler answers.
            StudyChanged: a worker does not meet the session's requirements.
        """
        self._client = Client(**self._scheduler, asynchronous=True, set_as_default=False, name="hpstudy")
        try:
            with warnings.catch_warnings():
                # Dask warns about different versions of some libraries, even if they are admitted.
                warnings.simplefilter("ignore", VersionMismatchWarning)
                await self._client
        except OSError as error:
            self._end = EngineLost(
                f"no Dask scheduler answers at {self._name}",
                "check the address, or start one (`dask scheduler`); `hpstudy resume` continues a study that has started",
            )
            raise self._end from error
        await self._list_workers()
        await asyncio.gather(*self._tasks)
        if self._refused:
            listed = "\n".join(f"  {line}" for line in self._refused)
            self._end = StudyChanged(
                f"workers of the cluster differ from this session, which can change numbers:\n{listed}", MIXED_HINT
            )
            raise self._end
        self._spawn(self._watch())

    async def run(self, payload: bytes, timeout_s: float | None) -> Any:
        """Run a step on the first worker that is free. Arguments as for `run_step`; result and exceptions as for `Executor.submit`."""
        self._steps += 1
        try:
            worker = await self._take_worker()
            try:
                answer = await self._carry(worker, payload, timeout_s)
            finally:
                worker.busy -= 1
        finally:
            self._steps -= 1
            await self._count()
        self._notes += [f"{worker.host}: {note}" for note in answer.notes]
        succeeded, value = pickle.loads(answer.packed)
        if succeeded:
            return value
        if isinstance(value, WorkerDied | StepTimedOut):
            value.environment = answer.environment
        raise value

    async def _take_worker(self) -> _Worker:
        """Wait for a free worker, and reserve one of its slots."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._end or self._free())
            worker = self._free()
            if self._end is not None or worker is None:
                raise self._end or self._lost()
            worker.busy += 1
            return worker

    async def leave(self, *, abort: bool) -> None:
        """Wait for the running steps, or end them, and disconnect."""
        if abort:
            await self._finish(WorkerDied("the run was aborted"))
        async with self._changed:
            await self._changed.wait_for(lambda: not self._steps)
        await self._finish(WorkerDied("the run has ended"))
        with suppress(OSError, TimeoutError):
            if self._client.status == "running":
                call = self._client.run(end_session, self._session, on_error="ignore")
                await asyncio.wait_for(call, CLOSE_S)
        for task in self._tasks:
            task.cancel()
        await self._client.close()

    async def _finish(self, error: HpstudyError) -> None:
        """Fail all steps with an error, and start no more."""
        self._end = self._end or error
        for worker in self._workers.values():
            worker.gone.set()
        await self._count()

    async def _count(self) -> None:
        """Announce how many steps can run now, and wake waiting steps."""
        async with self._changed:
            usable = self._end is None and self._client.status == "running"
            slots = sum(worker.slots for worker in self._workers.values()) if usable else 0
            self._announce(min(self._most, slots))
            self._changed.notify_all()

    def _free(self) -> _Worker | None:
        """The worker with the most free slots; None while there is none."""
        if self._client.status != "running":
            return None
        free = [worker for worker in self._workers.values() if worker.busy < worker.slots]
        return max(free, key=lambda worker: worker.slots - worker.busy, default=None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self) -> None:
        """Track the connected workers until the scheduler is lost."""
        clock = asyncio.get_running_loop().time
        answered = clock()
        while self._end is None:
            await asyncio.sleep(POLL_S)
            if self._client.status == "running":
                try:
                    await asyncio.wait_for(self._list_workers(), SILENT_S)
                    answered = clock()
                except (OSError, TimeoutError):
                    pass
                except Exception as error:  # a run must not wait for a watcher that has ended
                    await self._finish(EngineLost(f"the connection to {self._name} failed: {reason_of(error)}"))
            await self._count()
            if self._client.status == "closed" or (self._client.status == "running" and clock() - answered > SILENT_S):
                await self._finish(self._lost())

    def _lost(self) -> EngineLost:
        return EngineLost(f"the Dask scheduler at {self._name} is lost")

    async def _list_workers(self) -> None:
        """Remove workers that left, and check those that joined."""
        connected = await self._client.nthreads()
        for address in self._workers.keys() - connected.keys():
            self._workers.pop(address).gone.set()
        if connected.keys() - self._workers.keys():
            info = (await self._client.scheduler.identity(n_workers=-1))["workers"]
            for address in info.keys() - self._workers.keys():
                self._workers[address] = _Worker(address, info[address])
                self._spawn(self._check(self._workers[address]))
        await self._count()

    async def _check(self, worker: _Worker) -> None:
        """Admit a worker, or note the reason why it is not used."""
        name, obstacles = worker.host, list[str]()
        if (slots := worker.fits(self._needed)) < 1:
            needed = ", ".join(f"{name} {amount:g}" for name, amount in self._needed.items())
            self._notes.append(f"a worker is not used, since a step needs {needed}: {worker.address}")
            return
        if self._admission is not None:
            try:
                report = await self._report(worker, self._admission)
                name, obstacles = report.environment["host"], self._admission.obstacles(report)
            except (WorkerLost, EngineLost):
                return
            except Exception as error:  # anything that the host lacks, hpstudy itself included
                obstacles = [reason_of(error)]
        if obstacles:
            line = f"{name} ({worker.address}): {'; '.join(obstacles)}"
            self._refused.append(line)
            self._notes.append(f"a worker is not used, since it differs from this session: {line}")
        else:
            worker.slots = slots
            await self._count()

    async def _report(self, worker: _Worker, admission: Admission) -> HostReport:
        """The report of a worker's host. The first worker of each host prepares the task; the others wait for it."""
        host = self._hosts.setdefault(worker.host, _Host())
        async with host.lock:
            if not host.prepared:
                report = await self._ask(worker, admission, prepare=True)
                host.prepared = True
                return report
        return await self._ask(worker, admission, prepare=False)

    async def _ask(self, worker: _Worker, admission: Admission, *, prepare: bool) -> HostReport:
        request = replace(admission.request, prepare=prepare)
        answer = await self._carry(worker, pickle.dumps((report_host, request)), None, keep=False)
        succeeded, value = pickle.loads(answer.packed)
        if not succeeded:
            raise value
        return value  # type: ignore[no-any-return]

    async def _carry(self, worker: _Worker, payload: bytes, timeout_s: float | None, *, keep: bool = True) -> Answer:
        """Run a step on a worker.

        Raises:
            WorkerLost: the worker is gone, or the connection was interrupted.
            HpstudyError: the reason why the session ends.
        """
        future = self._client.submit(
            *(run_step, self._session, self._logs, payload, timeout_s),
            keep=keep,
            key=f"hpstudy-{self._session}-{next(self._numbers)}",
            workers=[worker.address],
            resources=dict(self._needed) or None,
            retries=0,
            pure=False,
        )
        answer: asyncio.Future[Answer] = asyncio.ensure_future(future.result())
        gone = asyncio.ensure_future(worker.gone.wait())
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            raise self._end or WorkerLost(f"the Dask worker {worker.address} is gone")
        except KilledWorker as error:
            raise WorkerLost(f"the Dask worker {worker.address} is gone") from error
        except FutureCancelledError as error:
            while self._client.status == "connecting":
                await asyncio.sleep(POLL_S)
            if self._client.status != "running":
                raise self._end or self._lost() from error
            raise WorkerLost(f"the connection to the Dask scheduler at {self._name} was interrupted") from error
        finally:
            answer.cancel()
            gone.cancel()
            future.release()
