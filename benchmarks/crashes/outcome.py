"""What a command leaves after a crash, compared with what it leaves without one."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import hpstudy
from benchmarks.crashes.cases import Case
from benchmarks.crashes.commands import Command, Lost, forked
from benchmarks.crashes.disturbances import Crash, Undisturbed, disturb, took_place
from benchmarks.crashes.points import Points

VOLATILE = {"attempts", "started_at", "ended_at", "ask_s", "evaluate_s", "environment_id"}
"""Columns of trials that differ from run to run."""


def contents(folder: Path, case: Case) -> Any:
    """The output of a command: exact rows of a database, or the bytes of files by name."""
    if not case.database:
        out = folder / case.output
        return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    with hpstudy.open(folder / case.output) as reader:
        trials, curves = reader.trials(), reader.curves()
    # Confirmations are distinguished by the trial that they retrain, because the order in which they start may differ.
    key = [name for name in ("view", "replicate", "retrains", "seed_number", "number") if name in trials]
    trials = trials.sort_values(key).drop(columns=VOLATILE & set(trials.columns))
    if "seed_number" in trials:
        trials.loc[trials["seed_number"].notna(), "number"] = -1
    named = ["view", "replicate", "metric", "epoch"]
    return [trials.to_csv(index=False), curves.sort_values([*named, "value"])[[*named, "value"]].to_csv(index=False)]


def crash_and_compare(folder: Path, case: Case, crash: Crash, reference: Any) -> None:
    """Run in a prepared folder, disturb, run again, compare.

    Raises:
        Lost: something is not as it must be.
        Undisturbed: the command was not disturbed.
    """
    before = {} if case.database else contents(folder, case)
    ballast = folder / "ballast"
    if crash.kind == "full":
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - int(crash.moment))
    point = partial(Points, Path(os.devnull), int(crash.moment)) if crash.kind == "point" else None
    command = Command(folder, *case.command, fork=point)
    try:
        if crash.kind not in ("point", "full"):
            disturb(command, crash)
    finally:
        code = command.end()
    ballast.unlink(missing_ok=True)
    if not took_place(crash, code):
        raise Undisturbed
    if case.database and (folder / case.output).exists():
        if problems := hpstudy.check(folder / case.output):
            raise Lost(f"db check: {problems}")
    elif not case.database:
        for name, data in contents(folder, case).items():
            if name in reference and data not in (reference[name], before.get(name)):
                raise Lost(f"{name} is neither the old nor the new file: {len(data)} bytes")
    if code:
        forked(folder, *(case.again if case.again and (folder / case.output).exists() else case.command))
    found = contents(folder, case)
    if case.database and found != reference:
        raise Lost("the database differs from that of the undisturbed run")
    if not case.database and (differ := [name for name in reference if found.get(name) != reference[name]]):
        raise Lost(f"files differ from those of the undisturbed run: {', '.join(differ)}")
