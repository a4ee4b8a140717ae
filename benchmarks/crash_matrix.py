"""Kills every command that writes, at named points and at random moments, and compares the results bit for bit.

    PYTHONPATH=. python -m benchmarks.crash_matrix --kills 80 --seed 0 --results crashes.jsonl

Each case runs one command once without disturbance: its output is the reference. Then the command is disturbed and, unless it ended
with 0, run again, and its output is compared with the reference: trials, metrics, curves and confirmations of a database, the bytes of
every other file. After each disturbance, before the command is run again, a database must pass `hpstudy db check`, and every other
output must be absent, what it was before, or complete.

A disturbance is one of

- `point`: SIGKILL at a named point of the command's own process: before, inside and after each transaction of the database, and
  whenever it opens a file for writing, renames, links or removes one;
- `kill`, `term`, `int`, `int-int` at a random moment, sent to the command, to one of its workers (`kill` only) or to the whole group;
- `stop`: SIGSTOP, a pause, SIGCONT, to the command, a worker or the group;
- `full`: the disk is full when the command starts, or soon after. Only with --small-disk DIR, a small file system:
  `mount -t tmpfs -o size=64m tmpfs DIR`.

A command that gets signals, or a full disk, starts as a user starts it. One that dies at a point, or is run again, runs in a fork of this
process, which has imported hpstudy already. A crash counts if somebody received the signal and a command that was to end did not end
with 0. What --results holds already is not done again. --summary prints the table of docs/explanation/reliability.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import asdict, replace
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.crashes.cases import CASES, Case
from benchmarks.crashes.commands import Command, Lost, forked
from benchmarks.crashes.disturbances import SIGNALS, Crash, Undisturbed
from benchmarks.crashes.outcome import contents, crash_and_compare
from benchmarks.crashes.points import Points


def run_case(case: Case, done: int, scratch: Path, options: argparse.Namespace) -> None:
    """Add crashes of one command to the results, of which `done` are there."""
    prepared, folder = scratch / "prepared", (options.small_disk or scratch) / f"hpstudy-{os.getpid()}"
    (prepared / "out").mkdir(parents=True)
    case.prepare(prepared)
    copy = partial(shutil.copytree, prepared, folder, symlinks=True)
    copy()
    started, free = time.monotonic(), shutil.disk_usage(folder).free
    command = Command(folder, *case.command)
    if code := command.end():
        raise Lost(f"{case.name} exits with {code}: {command.output}")
    duration_s, written = time.monotonic() - started, free - shutil.disk_usage(folder).free
    reference = contents(folder, case)
    shutil.rmtree(folder)
    copy()
    forked(folder, *case.command, first=partial(Points, scratch / "names"))
    shutil.rmtree(folder)
    points = (scratch / "names").read_text().splitlines()
    print(f"{case.name}: {len(points)} points, {duration_s:.1f} s undisturbed, {options.kills - done} crashes to do", flush=True)
    order = random.Random(options.seed).sample(range(len(points)), len(points))
    kinds = [*SIGNALS, *([("full", "disk")] * 3 if options.small_disk else [])]
    for number in range(done, options.kills):
        for attempt in count():
            draw = random.Random(f"{options.seed} {case.name} {number} {attempt}")
            kind, target = draw.choice(kinds) if number % 2 else ("point", "command")
            if kind == "point":
                index = order[(number // 2 + attempt) % len(points)]
                crash = Crash(case.name, kind, target, index + 1, points[index])
            elif kind == "full":
                crash = Crash(case.name, kind, target, draw.randrange(max(written, 100_000)))
            else:
                target = "command" if target == "worker" and "-j" not in case.command else target
                crash = Crash(case.name, kind, target, round(draw.uniform(0.1, duration_s) / 2**attempt, 3))
            copy()
            try:
                crash_and_compare(folder, case, crash, reference)
            except Undisturbed:
                continue
            except Lost as error:
                crash = replace(crash, lost=str(error))
                print(f"LOST {crash}", flush=True)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            with options.results[0].open("a") as results:
                results.write(json.dumps(asdict(crash)) + "\n")
            break


def read(results: Path) -> list[Crash]:
    """The crashes done so far."""
    return [Crash(**json.loads(line)) for line in results.read_text().splitlines()] if results.exists() else []


def summarize(done: list[Crash]) -> None:
    """Print a table: crashes by case and kind, and what was lost."""
    kinds = sorted({(crash.kind, crash.target) for crash in done})
    print(f"| command | {' | '.join(map(' '.join, kinds))} | all | lost |")
    print(f"|---|{'---|' * (len(kinds) + 2)}")
    for name in [*dict.fromkeys(crash.case for crash in done), ""]:
        rows = [crash for crash in done if name in ("", crash.case)]
        cells = Counter((crash.kind, crash.target) for crash in rows)
        numbers = [*(cells[kind] for kind in kinds), len(rows), sum(bool(crash.lost) for crash in rows)]
        print(f"| {name or 'all'} | {' | '.join(map(str, numbers))} |")


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=80, help="crashes of each case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--results", type=Path, nargs="+", default=[Path("crashes.jsonl")], help="a line per crash; the first one is continued"
    )
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES), help="default: all")
    parser.add_argument("--small-disk", type=Path, help="a small file system; adds crashes with a full disk")
    parser.add_argument("--summary", action="store_true", help="print the table of --results and run nothing")
    options = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a fork copies one thread
    if not options.summary:
        done = Counter(crash.case for crash in read(options.results[0]))
        for name in options.cases:
            if done[name] < options.kills:
                with tempfile.TemporaryDirectory() as scratch:
                    run_case(CASES[name], done[name], Path(scratch), options)
    summarize([crash for results in options.results for crash in read(results)])


if __name__ == "__main__":
    main()
