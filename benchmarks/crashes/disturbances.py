"""Disturbing a command that runs."""

from __future__ import annotations

import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

from benchmarks.crashes.commands import Command

PAUSE_S = 1.0
"""From SIGSTOP to SIGCONT."""

SIGNALS = (
    *((kind, target) for kind in ("kill", "stop") for target in ("command", "worker", "group")),
    *(("term", "command"), ("int", "group"), ("int-int", "group")),
)
"""Signals and to whom they go. A group is the command and all processes below it."""


@dataclass(frozen=True)
class Crash:
    """One disturbed command.

    Attributes:
        case: name of the command.
        kind: point, full, or signals.
        target: to whom.
        moment: number of the point, free bytes of the disk, or seconds after the start.
        point: name of the point.
        lost: what was lost; "" for nothing.
    """

    case: str
    kind: str
    target: str
    moment: float
    point: str = ""
    lost: str = ""


class Undisturbed(Exception):
    """The disturbance came too late, or had nobody to disturb."""


def disturb(command: Command, crash: Crash) -> None:
    """Wait for the moment, and for a worker if it is the target, then send the signals. Raises Undisturbed when the command has ended."""
    pause_s = crash.moment
    processes: list[psutil.Process] = []
    while not processes:
        if command.ended(pause_s):
            raise Undisturbed
        processes, pause_s = _targets(psutil.Process(command.pid), crash), 0.1
    if crash.kind == "stop":
        _send(processes, signal.SIGSTOP)
        time.sleep(PAUSE_S)
        _send(processes, signal.SIGCONT)
        return
    for name in crash.kind.split("-"):
        _send(processes, signal.Signals[f"SIG{name.upper()}"])
        time.sleep(0.05)


def _targets(command: psutil.Process, crash: Crash) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        below = [process for process in command.children(recursive=True) if process.status() != psutil.STATUS_ZOMBIE]
        if crash.target == "group":
            return [command, *below]
        return [command] if crash.target == "command" else random.Random(crash.moment).sample(below, min(1, len(below)))
    return []


def _send(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def took_place(crash: Crash, code: int) -> bool:
    """Whether the exit code of a disturbed command shows that the disturbance did something; True where no code can show it."""
    if crash.kind == "stop" or crash.target == "worker":
        return True
    return code == -signal.SIGKILL if crash.kind in ("point", "kill") else code != 0
