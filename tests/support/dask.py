"""A Dask cluster on this machine, whose scheduler and workers are processes that tests may kill; and a network that tests may cut."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

WAIT_S = 120.0
"""How long a test waits for what takes a second on an idle machine."""

SETTINGS = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}


def wait_until(happened: Callable[[], object]) -> None:
    """Wait until something has happened; fail after WAIT_S."""
    deadline = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class DaskProcesses:
    """A scheduler and workers without nannies, each a process group of its own.

    Args:
        folder: for logs and for the files of the workers.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.workers: list[subprocess.Popen[bytes]] = []
        self._started = 0
        self.start_scheduler()

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        """Start a scheduler, at the address of the last one."""
        self.port = self.port or free_port()
        arguments = ["dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-show"]
        self.scheduler = self._start(arguments, "Scheduler at:")

    def start_worker(
        self, threads: int = 1, variables: Mapping[str, str] | None = None, resources: str = ""
    ) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until the scheduler knows it."""
        arguments = [
            "dask_worker",
            self.address,
            "--host",
            "127.0.0.1",
            "--nthreads",
            str(threads),
            "--no-nanny",
            "--no-dashboard",
        ]
        arguments += ["--memory-limit", "0", "--local-directory", str(self.folder)]
        worker = self._start(arguments + (["--resources", resources] if resources else []), "Registered to:", variables)
        self.workers.append(worker)
        return worker

    def kill_workers(self) -> None:
        """Kill all workers and what they started."""
        for worker in self.workers:
            kill(worker)
        self.workers.clear()

    def close(self) -> None:
        """Kill all processes."""
        self.kill_workers()
        kill(self.scheduler)

    def _start(self, arguments: list[str], ready: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a command line of Dask, and wait until its log says that it is ready."""
        self._started += 1
        log = self.folder / f"{arguments[0]}-{self._started}.log"
        module, *others = arguments
        command = [sys.executable, "-m", f"distributed.cli.{module}", *others]
        environment = {**os.environ, **SETTINGS, **(variables or {})}
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
        try:
            wait_until(lambda: ready in log.read_text() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
        except AssertionError:
            kill(process)
            raise
        return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 of a process and its group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class Network:
    """A network between this process and a port of this machine, which can be cut: connections break, and none is accepted.

    Args:
        port: where it leads to.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and those that are tried from now on."""
        self._is_cut = True
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        """Accept connections again."""
        self._is_cut = False

    def close(self) -> None:
        """Cut it for good."""
        self.cut()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                if self._is_cut:
                    near.close()
                    continue
                pair = near, socket.create_connection(("127.0.0.1", self._target))
                self._pairs.append(pair)
                threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, selectors.DefaultSelector() as ready, suppress(OSError):
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in ready.select():
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    if not (data := source.recv(1 << 16)):
                        return
                    key.data.sendall(data)
