"""What a worker process does before its first step."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

LOG_VARIABLE = "HPSTUDY_WORKER_LOG"
"""Environment variable of a worker: the file that takes what it prints."""

PARENT_CHECK_S = 0.5
"""How often a worker looks whether its parent still lives. Longer would leave trainings running after a kill -9 of the parent."""


def start_worker(parent: int, logs: str) -> None:
    """Prepare this process.

    Args:
        parent: process number of the parent, with which this process ends.
        logs: folder in which this worker's file is written.
    """
    # Ctrl-C in a terminal reaches every process of the group; only the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder = Path(logs)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"worker-{os.getpid()}.log"
    os.environ[LOG_VARIABLE] = str(path)
    with path.open("ab", buffering=0) as log:
        sys.stdout.flush()
        sys.stderr.flush()
        # The file descriptors, not sys.stdout: libraries print from C as well.
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)
