"""Runs in a Dask worker: executes each step in a local process with the executor `processes`."""

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
"""Seconds between checks whether a step was canceled. Longer: a trial of an aborted run trains longer for nothing."""

IDLE_S = 60.0
"""Seconds that an idle local process is kept. Shorter: slow sessions restart processes. Longer: those of a killed session hold memory."""


@dataclass(frozen=True)
class Answer:
    """The answer of a step.

    Attributes:
        packed: the answer as packed by `hpstudy.engine.worker.answer`.
        environment: versions and machine of this host.
        notes: notes for the user.
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
        """Keep a process for a limited time, for the next step of its session."""
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
            remaining = [(process, timer) for process, timer in idle if process is not local]
            if len(remaining) == len(idle):
                return  # `take` has returned it in the meantime
            self._idle[session] = remaining
        local.close()


_local = LocalProcesses()


def run_step(session: str, logs: str | None, payload: bytes, timeout_s: float | None, *, keep: bool = True) -> Answer:
    """Run a step in a local process until it ends or Dask cancels it.

    Args:
        session: id of the step's session.
        logs: folder for the output of workers (`hpstudy.engine.roots.portable`).
        payload: pickled call and request.
        timeout_s: time limit in seconds.
        keep: keep the process for the next step.
    """
    worker = get_worker()
    key = worker.get_current_task()
    call, request = pickle.loads(payload)
    local = _local.take(session, _log_folder(logs, worker))
    future = local.submit(call, request, timeout_s)
    try:
        while not wait([future], timeout=POLL_S).done and _still_requested(worker, key):
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


def _still_requested(worker: Worker, key: Any) -> bool:
    """Whether a client still waits for a running step. The client may have canceled it or disconnected."""
    task = worker.state.tasks.get(key)
    return (
        worker.status in (Status.running, Status.paused, Status.closing_gracefully)
        and task is not None
        and task.state == "executing"
    )


def _log_folder(logs: str | None, worker: Worker) -> Path | None:
    """The log folder on this host: next to the database if its folder exists here, otherwise in the folder of the Dask worker."""
    if logs is None:
        return None
    folder = on_this_host(logs)
    return folder / platform.node() if folder.parent.is_dir() else Path(worker.local_directory) / "hpstudy-logs"
