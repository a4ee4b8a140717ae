"""The main loop of a worker process: it answers requests one after another."""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from hpstudy.engine.executors import OutOfResources, WorkerDied
from hpstudy.errors import HpstudyError

LOG_VARIABLE = "HPSTUDY_WORKER_LOG"
"""Environment variable of a worker: the log file for its output."""

PARENT_CHECK_S = 0.5
"""Seconds between a worker's checks that its parent is alive. After a kill -9 of the parent, a training continues for up to this long."""

READY = b"ready"
"""A worker's first message: it is ready, and the time limits of its steps apply from now on."""


class StepError(HpstudyError):
    """A step raised an exception that cannot be sent between processes; this one contains its text."""


def log_path(logs: Path, pid: int) -> Path:
    """The log file of the worker with this process id."""
    return logs / f"worker-{pid}.log"


def serve(descriptor: int, parent: int, logs: str | None) -> None:
    """Answer requests until the other end is closed.

    A request is a pair (call, request); an answer is a pair (success, the answer or the exception).

    Args:
        descriptor: file descriptor of this end of the connection.
        parent: process id of the parent. This process ends when the parent ends for any reason.
        logs: folder for the output; None for the output streams of the parent.
    """
    connection = connect(descriptor, logs)
    threading.Thread(target=end_with, args=(parent,), name="parent-watch", daemon=True).start()
    while True:
        try:
            payload = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(answer(payload))


def connect(descriptor: int, logs: str | None) -> Connection:
    """Set up this process and send READY, or an OutOfResources as a packed answer. Arguments as in `serve`."""
    # Ctrl-C in a terminal reaches every process of the group; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # Inherited from the parent; programs that a task starts must not inherit it.
    os.set_inheritable(descriptor, False)
    connection = Connection(descriptor)
    if logs is not None:
        log = log_path(Path(logs), os.getpid())
        try:
            _print_to(log)
        except OSError as error:
            reason = f"the output of a worker cannot be written to {log}: {error.strerror}"
            hint = "free space on this disk, or make the folder writable; `hpstudy resume` continues the study"
            connection.send_bytes(packed(OutOfResources(reason, hint)))
            sys.exit(1)
    faulthandler.enable()
    connection.send_bytes(READY)
    return connection


def _print_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.environ[LOG_VARIABLE] = str(path)
    with path.open("ab", buffering=0) as log:
        # The file descriptors, not sys.stdout, because libraries also print from C.
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    # Line buffering, so that complete lines are kept if the worker is killed.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def answer(payload: bytes) -> bytes:
    """The packed answer to a packed request."""
    try:
        call, request = pickle.loads(payload)
        return pickle.dumps((True, call(request)))
    except Exception as error:
        return packed(error)


def packed(error: Exception) -> bytes:
    """The packed answer of a step that raised `error`."""
    try:
        answer = pickle.dumps((False, error))
        pickle.loads(answer)
    except Exception:  # pickle or the exception's own methods may raise anything
        text = "".join(traceback.format_exception(error))
        answer = pickle.dumps((False, StepError(f"{type(error).__name__} in a worker:\n{text}")))
    return answer


def end_with(parent: int) -> None:
    """Wait until the parent has ended, then end this process, and its process group if it leads one."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def death(process: str, exit_code: int | None, log: Path | None) -> WorkerDied:
    """The error for a process that ended without an answer.

    Args:
        process: the process, in words.
        exit_code: its exit code, or minus the signal that ended it; None for a process that closed its connection and is still alive.
        log: its log file.
    """
    hints = []
    if exit_code is None:
        how = "closed its connection"
    elif exit_code >= 0:
        how = f"ended with exit code {exit_code}"
    else:
        names = {number.value: f" ({number.name})" for number in signal.Signals}
        how = f"was ended by signal {-exit_code}{names.get(-exit_code, '')}"
    if exit_code == -signal.SIGKILL:
        hints.append("the system may have run out of memory: try fewer workers")
    if log is not None and log.exists() and log.stat().st_size:
        hints.append(f"see {log}")
    return WorkerDied(f"{process} {how}", "; ".join(hints))
