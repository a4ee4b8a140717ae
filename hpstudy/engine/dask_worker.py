"""What runs in a Dask worker: each step in a local process, by the executor `processes`."""

from __future__ import annotations

import asyncio
import pickle
import platform
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import Status, Worker, get_worker

from hpstudy.engine.environment import host_environment
from hpstudy.engine.processes import ProcessExecutor
from hpstudy.engine.roots import on_this_host
from hpstudy.engine.worker import packed

POLL_S = 0.25
"""How often a step looks whether it is still wanted. Longer: the trial of a run that was aborted trains on."""

IDLE_S = 60.0
"""How long a local process without a step is kept. Shorter: slow sessions start processes again. Longer: those of a session that was
killed hold their memory."""


@dataclass(frozen=True)
class Answer:
    """The answer of a step.

    Attributes:
        packed: as `hpstudy.engine.worker.answer` gives it.
        environment: of this host.
        notes: what the user should know.
    """

    packed: bytes
    environment: Mapping[str, str]
    notes: tuple[str, ...]


class LocalProcesses:
    """The idle local processes of this Dask worker, by session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[tuple[ProcessExecutor, threading.Timer]]] = {}

    def take(self, session: str, logs: Path | None) -> ProcessExecutor:
        """An idle process of a session, or a new one."""
        with self._lock:
            if idle := self._idle.get(session):
                local, timer = idle.pop()
                timer.cancel()
                return local
        return ProcessExecutor(1, logs)

    def give_back(self, session: str, local: ProcessExecutor) -> None:
        """Keep a process for the next step of its session, for a while."""
        timer = threading.Timer(IDLE_S, self._expire, (session, local))
        timer.daemon = True
        with self._lock:
            self._idle.setdefault(session, []).append((local, timer))
        timer.start()

    def end(self, session: str) -> None:
        """End the idle processes of a session."""
        with self._lock:
            idle = self._idle.pop(session, [])
        for local, timer in idle:
            timer.cancel()
            local.close()

    def _expire(self, session: str, local: ProcessExecutor) -> None:
        with self._lock:
            idle = self._idle.get(session, [])
            kept = [each for each in idle if each[0] is not local]
            if len(kept) == len(idle):
                return  # taken meanwhile
            self._idle[session] = kept
        local.close()


_local = LocalProcesses()


def run_step(session: str, logs: str | None, payload: bytes, timeout_s: float | None, *, keep: bool = True) -> Answer:
    """Run a step in a local process, until it ends or Dask does not want it any more.

    Args:
        session: the session that it belongs to.
        logs: the folder for what workers print (`hpstudy.engine.roots.portable`).
        payload: pickled call and request.
        timeout_s: seconds after which it is ended.
        keep: keep the process for the next step.
    """
    worker = get_worker()
    key = worker.get_current_task()
    call, request = pickle.loads(payload)
    local = _local.take(session, _log_folder(logs, worker))
    future = local.submit(call, request, timeout_s)
    try:
        while not wait([future], timeout=POLL_S).done and _wanted(worker, key):
            pass
        answer = Answer(_packed(future), host_environment(), tuple(local.take_notes())) if future.done() else None
    finally:
        if future.done() and keep:
            _local.give_back(session, local)
        else:
            local.close(abort=True)
    return answer or Answer(b"", {}, ())


async def end_session(session: str) -> None:
    """End the idle local processes of a session."""
    await asyncio.to_thread(_local.end, session)


def _packed(future: Future[Any]) -> bytes:
    error = future.exception()
    if error is None:
        return pickle.dumps((True, future.result()))
    if isinstance(error, Exception):
        return packed(error)
    raise error


def _wanted(worker: Worker, key: Any) -> bool:
    """Whether a step under way still has somebody who waits for it. Its client may have cancelled it, or be gone."""
    task = worker.state.tasks.get(key)
    return (
        worker.status in (Status.running, Status.paused, Status.closing_gracefully)
        and task is not None
        and task.state == "executing"
    )


def _log_folder(logs: str | None, worker: Worker) -> Path | None:
    """The folder for logs of this host: beside the database where that is, otherwise in the folder of the Dask worker."""
    if logs is None:
        return None
    folder = on_this_host(logs)
    return folder / platform.node() if folder.parent.is_dir() else Path(worker.local_directory) / "hpstudy-logs"
