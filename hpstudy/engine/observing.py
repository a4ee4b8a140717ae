"""The observers of a run. Each has a process of its own, and the study never waits for one."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from multiprocessing import Pipe
from pathlib import Path

from hpstudy.engine.executors import THREAD_VARIABLES
from hpstudy.engine.observer_process import FINISH, file_name
from hpstudy.engine.stop import StopSignal
from hpstudy.errors import PluginError, StoreError, UsageError
from hpstudy.modules import module_file, search_path
from hpstudy.observers import OBSERVERS
from hpstudy.plugins import is_plugin, module_name

PATIENCE_S = 60.0
"""Seconds that a complete run waits for an observer that logs nothing. Shorter: a slow network is treated as a stuck one."""

GRACE_S = 5.0
"""Seconds that an interrupted run waits for its observers."""

SHORT_WAIT_S = 5.0
"""Seconds of waiting before the user is notified."""

BOOT = (
    "import sys; sys.path[:] = {path!r}; from hpstudy.engine.observer_process import serve; "
    "serve({descriptor}, {name!r}, {database!r}, {modules!r}, {folder!r})"
)


def check_observers(names: Sequence[str], modules: str | None) -> None:
    """Check that observers can be loaded, without importing anything.

    Args:
        names: names in OBSERVERS, or "my_module:MyObserver".
        modules: folder that is searched first for a user's module.

    Raises:
        UsageError: an observer is unknown, or its library is not installed.
        PluginError: there is no such module.
    """
    for name in names:
        OBSERVERS[name]
        if is_plugin(name):
            if not module_file(module_name(name), modules):
                raise PluginError(
                    f"there is no module '{module_name(name)}' for the observer '{name}'",
                    "put it next to the study file, install it, or add its folder to PYTHONPATH",
                )
        elif (spec := find_spec(name)) is None or spec.origin is None:  # a folder with files of the library has no origin
            raise UsageError(f"the observer '{name}' needs {name}, which is not installed", f"pip install 'hpstudy[{name}]'")


class Observers:
    """The observers of a run."""

    def __init__(self, names: Sequence[str], note: Callable[[str], None]) -> None:
        self._names = list(dict.fromkeys(names))
        self._note = note
        self._running: list[_ObserverProcess] = []

    def start(self, database: Path, modules: str | None) -> None:
        """Start the process of each observer.

        Args:
            database: path of an existing database.
            modules: folder that is searched first for a user's module.
        """
        self._running = [_ObserverProcess(name, database, modules, self._note) for name in self._names]

    def check(self) -> None:
        """Note once if an observer has ended."""
        for each in self._running:
            each.check()

    def finish(self, silence_s: float) -> None:
        """Wait until the observers have logged the remaining trials. End an observer that logs none for `silence_s`."""
        for each in self._running:
            each.ask_to_finish()
        try:
            for each in self._running:
                each.wait(silence_s)
        except KeyboardInterrupt:
            self._note("Ctrl-C: observers are ended; the next run with the same observers logs the remaining trials.")
        finally:
            for each in self._running:
                each.kill()


@contextmanager
def observing(names: Sequence[str], stop: StopSignal, note: Callable[[str], None]) -> Iterator[Observers]:
    """The observers of the run in the body. Afterwards they get time to log the remaining trials, less if the run was interrupted."""
    observers = Observers(names, note)
    silence_s = GRACE_S
    try:
        yield observers
        if not stop.requested:
            silence_s = PATIENCE_S
    finally:
        observers.finish(silence_s)


class _ObserverProcess:
    """The run's handle to the process of one observer."""

    def __init__(self, name: str, database: Path, modules: str | None, note: Callable[[str], None]) -> None:
        self._name = name
        self._note = note
        folder = database.with_name(f"{database.name}.observers")
        self._log = folder / f"{file_name(name)}.log"
        try:
            folder.mkdir(exist_ok=True)
            log = self._log.open("ab")
        except OSError as error:
            raise StoreError(f"{self._log} cannot be written: {error.strerror}", "run without --observer") from None
        self._connection, theirs = Pipe()
        boot = BOOT.format(
            path=search_path(), descriptor=theirs.fileno(), name=name, database=str(database), modules=modules, folder=str(folder)
        )
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")}
        # A session of its own: Ctrl-C in the terminal does not reach it.
        with theirs, log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", boot],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._ended = False

    def ask_to_finish(self) -> None:
        with suppress(OSError):
            self._connection.send(FINISH)

    def check(self) -> None:
        """Note once if it has failed."""
        while not self._ended and self._connection.poll():
            self._receive()

    def wait(self, silence_s: float) -> None:
        """Wait until it has logged all trials, or has logged none for `silence_s`."""
        announce_at = time.monotonic() + SHORT_WAIT_S
        deadline = time.monotonic() + silence_s
        while not self._ended and self._connection.poll(max(0.0, deadline - time.monotonic())):
            left = self._receive()
            deadline = time.monotonic() + silence_s
            if left and time.monotonic() >= announce_at:
                announce_at = math.inf
                self._note(f"observer '{self._name}' has {left:,} trials to log; Ctrl-C ends the wait")
        if not self._ended:
            self._note(
                f"observer '{self._name}' was ended: it logged nothing for {silence_s:g} s. The next run with it logs the rest"
            )

    def _receive(self) -> int:
        """Receive a message: the number of remaining trials, or the end."""
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            message = f"its process ended with exit code {self._process.wait()}"
        if isinstance(message, int):
            return message
        self._ended = True
        if message is not None:
            self._note(
                f"observer '{self._name}' is switched off: {message}; see {self._log}. The study continues; the next run with it logs "
                "what is missing"
            )
        return 0

    def kill(self) -> None:
        """Kill it and the processes that it started, if it is still running. An empty log is removed."""
        self._connection.close()
        try:
            self._process.wait(GRACE_S if self._ended else 0)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with suppress(OSError):
            if self._log.stat().st_size == 0:
                self._log.unlink()
