"""The other end of a worker: what runs in a process of `hpstudy.engine.processes`."""

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

from hpstudy.errors import HpstudyError

LOG_VARIABLE = "HPSTUDY_WORKER_LOG"
"""Environment variable of a worker: the file that takes what it prints."""

PARENT_CHECK_S = 0.5
"""How often a worker looks whether its parent still lives. Longer: a training goes on longer after a kill -9 of the parent."""

READY = b"ready"
"""A worker's first message: from now on the time of its steps counts."""


class StepError(HpstudyError):
    """A step raised an exception that cannot travel between processes; this one carries its text."""


def log_path(logs: Path, pid: int) -> Path:
    """The file that takes what the worker with this process number prints."""
    return logs / f"worker-{pid}.log"


def serve(descriptor: int, parent: int, logs: str | None) -> None:
    """Answer requests until the other end is closed.

    A request is a pair (call, request), an answer a pair (whether it went well, the answer or the exception).

    Args:
        descriptor: file descriptor of this end of the connection.
        parent: process number of the parent, with which this process ends, however it ends.
        logs: the folder for what is printed here; None to print where the parent does.
    """
    # Ctrl-C in a terminal reaches every process of the group; only the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if logs is not None:
        _print_to(log_path(Path(logs), os.getpid()))
    faulthandler.enable()
    threading.Thread(target=_end_with, args=(parent,), name="parent-watch", daemon=True).start()
    # Inherited once, from the parent; programs that a task starts have no business with it.
    os.set_inheritable(descriptor, False)
    connection = Connection(descriptor)
    connection.send_bytes(READY)
    while True:
        try:
            payload = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(_answer(payload))


def _print_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.environ[LOG_VARIABLE] = str(path)
    with path.open("ab", buffering=0) as log:
        # The file descriptors, not sys.stdout: libraries print from C as well.
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    # Whole lines at once, so that they survive a worker that is killed.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _answer(payload: bytes) -> bytes:
    try:
        call, request = pickle.loads(payload)
        return pickle.dumps((True, call(request)))
    except Exception as error:
        return _packed(error)


def _packed(error: Exception) -> bytes:
    try:
        packed = pickle.dumps((False, error))
        pickle.loads(packed)
    except Exception:
        text = "".join(traceback.format_exception(error))
        packed = pickle.dumps((False, StepError(f"{type(error).__name__} in a worker:\n{text}")))
    return packed


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)
