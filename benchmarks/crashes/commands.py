"""Runs hpstudy as a command of its own, or in a fork of this process, which has imported it already."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import hpstudy

COMMAND_LIMIT_S = 300
"""A command that takes longer than this hangs."""

IMPORTS = (
    "hpstudy.cli",
    "hpstudy.engine.run",
    "hpstudy.report.write",
    "hpstudy.store.optuna_export",
    "matplotlib.pyplot",
    "scipy.stats",
)
"""What a fork need not import again; no library of these starts a thread."""


def unwatched() -> None:
    """What a fork calls first that needs nothing."""


class Lost(Exception):
    """Something is not as it must be after a crash."""


class Command:
    """A running hpstudy, in a session of its own.

    Args:
        folder: where it runs; data sets are in `data` of this folder.
        arguments: of the command line.
        fork: run in a fork of this process, and call this first.

    Attributes:
        output: what it said, once it has ended.
    """

    def __init__(self, folder: Path, *arguments: str, fork: Callable[[], None] | None = None) -> None:
        self.arguments = arguments
        self.output = ""
        self._output = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # `end` closes it
        self._code: int | None = None
        for name in IMPORTS:
            import_module(name)
        self.pid = os.fork()
        if self.pid == 0:
            self._become(folder, fork)

    def _become(self, folder: Path, fork: Callable[[], None] | None) -> None:
        code: object = 1
        try:
            os.setsid()
            os.chdir(folder)
            for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (self._output.fileno(), 1), (self._output.fileno(), 2)):
                os.dup2(source, target)
            # A shell lets what it starts in the background ignore Ctrl-C.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.environ.update(PYTHONPATH=str(Path(hpstudy.__file__).parents[1]), HPSTUDY_DATA=str(folder / "data"))
            if fork is None:
                os.execv(sys.executable, [sys.executable, "-m", "hpstudy", *self.arguments])
            fork()
            sys.argv = ["hpstudy", *self.arguments]
            hpstudy.cli.main()
        except SystemExit as exit:
            code = exit.code
        except BaseException:  # Python's own answer
            traceback.print_exc()
        threading._shutdown()  # as at the end of every Python program
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0)

    def ended(self, limit_s: float) -> bool:
        """Whether the command ends within a time."""
        deadline = time.monotonic() + limit_s
        while self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= deadline:
                return False
            else:
                time.sleep(0.005)
        return True

    def end(self) -> int:
        """Wait for the command; returns its exit code, or minus the signal that ended it.

        Raises:
            Lost: it hangs or shows a traceback.
        """
        if not self.ended(COMMAND_LIMIT_S):
            os.killpg(self.pid, signal.SIGKILL)
            raise Lost(f"hangs: {self.arguments!r}")
        with self._output:
            self._output.seek(0)
            self.output = self._output.read()
        # Python itself answers an interrupt that comes while it imports the command line.
        starting = self.output.rstrip().endswith("KeyboardInterrupt") and ", in main\n" not in self.output
        if "Traceback (most recent call last)" in self.output and not starting:
            raise Lost(f"traceback: {self.output[-2000:]}")
        assert self._code is not None
        return self._code


def forked(folder: Path, *arguments: str, first: Callable[[], None] = unwatched) -> None:
    """Run a command that must succeed in a fork of this process, which calls `first`. Raises Lost when it does not."""
    command = Command(folder, *arguments, fork=first)
    if code := command.end():
        raise Lost(f"{' '.join(arguments)} exits with {code}: {command.output[-2000:]}")
