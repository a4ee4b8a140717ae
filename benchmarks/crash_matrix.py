"""Kills every command that writes, at every point and at random moments, and compares the results bit for bit.

    python benchmarks/crash_matrix.py --kills 1000 --seed 0 --results crashes.jsonl

Each case runs one command once without disturbance: its output is the reference. Then the command is disturbed, run again until it
succeeds, and its output is compared with the reference: trials, metrics, curves and confirmations of a database, the bytes of every
other file. After each disturbance, before the command is run again, a database must pass `hpstudy db check`, and every other output
must be absent, what it was before, or complete.

A disturbance is one of

- `point`: SIGKILL at a named point of the command's own process: before, inside and after each transaction of the database, and
  whenever it opens a file for writing, renames, links or removes one;
- `kill`, `term`, `int`, `int-int` at a random moment, sent to the command, to one of its workers (`kill` only) or to the whole group;
- `stop`: SIGSTOP, a pause, SIGCONT, to the command, a worker or the group;
- `full`: the disk is full when the command starts, or soon after. Only with --small-disk DIR, a file system of a few MiB:
  `mount -t tmpfs -o size=16m tmpfs DIR`.

The program can be stopped and started again: what --results holds already is not done again. With --summary it prints the table of
docs/reliability.md from that file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

import hpstudy

COMMAND_LIMIT_S = 300
"""A command that takes longer than this hangs."""

ATTEMPTS = 3
"""How often a command is run again before the case counts as lost."""

PAUSE_S = 1.0
"""From SIGSTOP to SIGCONT."""

FUNCTION = """\
import time

import numpy as np


def train(params, seed, report):
    x, y = params["x"], params.get("y", 0.5)
    for epoch in range(1, 4):
        loss = (x - 0.3) ** 2 + (y - 0.6) ** 2 + 0.1 * np.random.rand()
        report(epoch, loss=loss)
        time.sleep(0.01)
    if x > 0.9:
        return float("nan")
    return {"loss": loss, "seed": seed % 1000}
"""

STUDY = """\
version: 1
name: crashed
task: {use: "mine:train"}
metric: {name: loss, goal: minimize}
views:
  two: {space: {x: {type: float, low: 0, high: 1}, y: {type: float, low: 0, high: 1}}}
  one: {space: {x: {type: float, low: 0, high: 1}}}
search: {searcher: sobol, trials: TRIALS}
replicates: 3
analysis: {resamples: 1000}
"""


# --- the command's side -------------------------------------------------------------------------------------------------------------


class Points:
    """Counts the named points of this process, and kills it at one of them.

    Args:
        fatal: the number of the point, from 1; 0 for none.
    """

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.names: list[str] = []

    def reached(self, name: str) -> None:
        """This process is at a point."""
        self.names.append(name)
        if len(self.names) == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Watch transactions and files."""
        from hpstudy.store.owned import OwnedDatabase

        transaction = OwnedDatabase.transaction

        @contextmanager
        def watched(database: OwnedDatabase) -> Iterator[Any]:
            self.reached("transaction: before")
            with transaction(database) as connection:
                yield connection
                self.reached("transaction: not committed")
            self.reached("transaction: committed")

        OwnedDatabase.transaction = watched  # type: ignore[method-assign, assignment]
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            _, mode, flags = arguments
            writes = any(letter in mode for letter in "wxa+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
            if writes and str(arguments[0]) != os.devnull:
                self.reached("file: opened for writing")
        elif event in ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile", "shutil.move"):
            self.reached(f"file: {event}")


def inside(fatal: int, arguments: list[str]) -> None:
    """Run hpstudy in this process, which dies at point number `fatal`. If there is none, it writes the names of its points."""
    from hpstudy.cli import main as command_line

    points = Points(fatal)
    points.install()
    sys.argv = ["hpstudy", *arguments]
    try:
        command_line()
    finally:
        if not fatal:
            names = list(points.names)
            Path("points.json").write_text(json.dumps(names))


# --- the cases ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One command.

    Attributes:
        name: of the case.
        command: the arguments of hpstudy.
        prepare: makes the folder in which the command starts.
        again: the arguments after a crash, if they differ.
        database: whether the output is the database `study.sqlite`; otherwise it is everything in the folder `out`.
    """

    name: str
    command: tuple[str, ...]
    prepare: Callable[[Path], None]
    again: tuple[str, ...] = ()
    database: bool = False


def empty(folder: Path) -> None:
    """Nothing."""


def begun(folder: Path, trials: int = 5) -> None:
    """A study over a user's own function."""
    (folder / "mine.py").write_text(FUNCTION)
    (folder / "study.yaml").write_text(STUDY.replace("TRIALS", str(trials)))


def finished(folder: Path) -> None:
    """The study, complete."""
    begun(folder)
    call(folder, "run", "study.yaml", "--storage", "study.sqlite", "-q")


def confirmed(folder: Path) -> None:
    """The study, complete and confirmed."""
    finished(folder)
    call(folder, "confirm", "study.sqlite", "--seeds", "2", "-q")


def reported(folder: Path) -> None:
    """The study, complete, reported, and confirmed since."""
    finished(folder)
    call(folder, *REPORT)
    call(folder, "confirm", "study.sqlite", "--seeds", "2", "-q")


def grown(folder: Path) -> None:
    """The study, complete, and a study file that asks for more trials."""
    finished(folder)
    begun(folder, trials=8)


def of_version_1(folder: Path) -> None:
    """A database of the first schema."""
    shutil.copy(Path(__file__).parents[1] / "tests/store/data/version_1.sqlite", folder / "study.sqlite")


def recordings(folder: Path) -> None:
    """Recordings to import as the data set fsdd: noise, a tenth of a second each."""
    import numpy as np
    from scipy.io import wavfile

    from hpstudy.data.fsdd import DIGITS, SPEAKERS

    (folder / "source" / "recordings").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for speaker in SPEAKERS:
        for digit in range(DIGITS):
            for index in range(50):
                samples = generator.integers(-9000, 9000, 800).astype(np.int16)
                wavfile.write(folder / "source" / "recordings" / f"{digit}_{speaker}_{index}.wav", 8000, samples)


RUN = ("run", "study.yaml", "--storage", "study.sqlite", "-j", "2", "-q")
REPORT = ("report", "study.sqlite", "-o", "out", "--format", "pdf", "--format", "html", "--force")
CURVES = ("export", "study.sqlite", "--curves", "--format", "parquet", "-o", "out/curves.parquet", "--force")
CASES = {
    case.name: case
    for case in (
        Case("run", RUN, begun, database=True),
        Case("run, then resume", RUN, begun, ("resume", "study.sqlite", "-j", "1", "-q"), database=True),
        Case("grow", RUN, grown, database=True),
        Case("confirm", ("confirm", "study.sqlite", "--seeds", "3", "-j", "2", "-q"), finished, database=True),
        Case("migrate", ("confirm", "study.sqlite", "--seeds", "1", "-j", "1", "-q"), of_version_1, database=True),
        Case("report", REPORT, reported),
        Case("plot", ("plot", "study.sqlite", "best_so_far", "-o", "out/figure.pdf"), confirmed),
        Case("export", ("export", "study.sqlite", "-o", "out/trials.csv", "--force"), confirmed),
        Case("export curves", CURVES, confirmed),
        Case("export Optuna", ("export", "study.sqlite", "--optuna", "out/optuna.db", "--force"), confirmed),
        Case("init", ("init", "out"), empty),
        Case("data import", ("data", "import", "fsdd", "--from", "source"), recordings),
    )
}


# --- running commands ---------------------------------------------------------------------------------------------------------------


def start(folder: Path, *arguments: str, fatal: int | None = None) -> subprocess.Popen[str]:
    """Start hpstudy in `folder`, in a process group of its own; with `fatal` it dies at that point (0: it writes points.json)."""
    program = ["-m", "hpstudy"] if fatal is None else [__file__, "--inside", str(fatal)]
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(hpstudy.__file__).parents[1]), "HPSTUDY_DATA": str(folder / "out")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell lets what it starts in the background ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def end(process: subprocess.Popen[str]) -> str:
    """Wait for a command; returns what it said. Raises Lost when it hangs or shows a traceback."""
    try:
        said, _ = process.communicate(timeout=COMMAND_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Lost(f"hangs: {process.args!r}") from None
    # Python itself answers an interrupt that comes while it imports the command line.
    starting = said.rstrip().endswith("KeyboardInterrupt") and ", in main\n" not in said
    if "Traceback (most recent call last)" in said and not starting:
        raise Lost(f"traceback: {said[-2000:]}")
    return said


def call(folder: Path, *arguments: str) -> None:
    """Run a command that must succeed."""
    process = start(folder, *arguments)
    said = end(process)
    if process.returncode != 0:
        raise Lost(f"{' '.join(arguments)} exits with {process.returncode}: {said[-2000:]}")


class TooLate(Exception):
    """The command had ended before the moment of its disturbance."""


class Lost(Exception):
    """Something is not as it must be after a crash."""


def files(folder: Path) -> dict[str, bytes]:
    """Every file of the folder's output, by name."""
    out = folder / "out"
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def contents(folder: Path, case: Case) -> Any:
    """The output of a command: exact rows of a database, or files."""
    if not case.database:
        return files(folder)
    with hpstudy.open(folder / "study.sqlite") as reader:
        trials, curves = reader.trials(), reader.curves()
    # Confirmations are told apart by what they train again: the order in which they begin may differ.
    key = [name for name in ("view", "replicate", "retrains", "seed_number", "number") if name in trials]
    volatile = {"attempts", "started_at", "ended_at", "ask_s", "evaluate_s", "environment_id"}
    trials = trials.sort_values(key).drop(columns=volatile & set(trials.columns))
    if "seed_number" in trials:
        trials.loc[trials["seed_number"].notna(), "number"] = -1
    named = ["view", "replicate", "metric", "epoch"]
    return [trials.to_csv(index=False), curves.sort_values([*named, "value"])[[*named, "value"]].to_csv(index=False)]


# --- disturbances -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crash:
    """One disturbed command: which, how, when (a point's number, or seconds), to whom; and what came of it."""

    case: str
    kind: str
    target: str
    moment: float
    point: str = ""
    lost: str = ""
    leftovers: int = 0


def points_of(folder: Path, case: Case) -> list[str]:
    """The names of the points that a command passes in a prepared folder, in order."""
    process = start(folder, *case.command, fatal=0)
    said = end(process)
    if process.returncode != 0:
        raise Lost(f"{case.name} exits with {process.returncode}: {said}")
    return [str(name) for name in json.loads((folder / "points.json").read_text())]


def disturb(process: subprocess.Popen[str], crash: Crash) -> None:
    """Wait for the moment, then send the signals of a crash."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(crash.moment)
    if process.poll() is not None:
        raise TooLate
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        processes = _targets(process, crash)
        if crash.kind == "stop":
            _send(processes, signal.SIGSTOP)
            time.sleep(PAUSE_S)
            _send(processes, signal.SIGCONT)
            return
        for name in crash.kind.split("-"):
            _send(processes, signal.Signals[f"SIG{name.upper()}"])
            time.sleep(0.05)


def _targets(process: subprocess.Popen[str], crash: Crash) -> list[psutil.Process]:
    command = psutil.Process(process.pid)
    below = command.children(recursive=True)
    if crash.target == "worker":
        return [random.Random(crash.moment).choice(below)] if below else []
    return [command, *below] if crash.target == "group" else [command]


def _send(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def survives(folder: Path, case: Case, crash: Crash, reference: Any) -> int:
    """Run in a prepared folder, disturb, run again, compare.

    Returns:
        The number of files beside the output that the crash left and the next run did not remove.

    Raises:
        Lost: something is not as it must be.
        TooLate: the command was not disturbed.
    """
    before = {} if case.database else files(folder)
    fatal = int(crash.moment) if crash.kind == "point" else None
    ballast = folder / "ballast"
    if crash.kind == "full":
        free = shutil.disk_usage(folder).free
        ballast.write_bytes(bytes(max(0, free - int(crash.moment))))
    process = start(folder, *case.command, fatal=fatal)
    if crash.kind not in ("point", "full"):
        disturb(process, crash)
    end(process)
    ballast.unlink(missing_ok=True)
    if case.database:
        if (folder / "study.sqlite").exists():
            call(folder, "db", "check", "study.sqlite")
    else:
        for name, data in files(folder).items():
            if name in reference and data not in (reference[name], before.get(name)):
                raise Lost(f"{name} is neither the old nor the new file: {len(data)} bytes")
    for attempt in range(ATTEMPTS):
        arguments = case.again if case.again and (folder / "study.sqlite").exists() else case.command
        process = start(folder, *arguments)
        said = end(process)
        if process.returncode == 0:
            break
        if attempt == ATTEMPTS - 1:
            raise Lost(f"{' '.join(arguments)} exits with {process.returncode}: {said[-2000:]}")
    found = contents(folder, case)
    if case.database:
        if found != reference:
            raise Lost("the database differs from that of the undisturbed run")
        return sum(1 for path in folder.iterdir() if path.name.startswith(("study.sqlite.", "study.sqlite-", ".study")))
    if differ := [name for name in reference if found.get(name) != reference[name]]:
        raise Lost(f"files differ from those of the undisturbed run: {', '.join(differ)}")
    return len(found.keys() - reference.keys())


# --- the matrix ---------------------------------------------------------------------------------------------------------------------


def crashes(case: Case, points: list[str], duration_s: float, generator: random.Random, full: bool) -> Iterator[Crash]:
    """Every point of a case in random order, with as many random signals between them; then random signals without end."""
    numbers = list(range(1, len(points) + 1))
    generator.shuffle(numbers)
    kinds = [("kill", t) for t in ("command", "worker", "group")] + [("stop", t) for t in ("command", "worker", "group")]
    kinds += [("term", "command"), ("int", "group"), ("int-int", "group")] + [("full", "disk")] * full
    while True:
        if numbers:
            number = numbers.pop()
            yield Crash(case.name, "point", "command", number, points[number - 1])
        kind, target = generator.choice(kinds)
        if target == "worker" and not case.database:
            target = "command"
        moment = generator.randrange(200_000) if kind == "full" else round(generator.uniform(0, duration_s), 3)
        yield Crash(case.name, kind, target, moment)


def run(arguments: argparse.Namespace) -> None:
    """Add crashes to the results until they are as many as asked for."""
    done = read(arguments.results)
    count = Counter(crash.case for crash in done)
    names = arguments.cases or list(CASES)
    with tempfile.TemporaryDirectory(dir=arguments.small_disk) as scratch, arguments.results.open("a") as results:
        for name in names:
            case, generator = CASES[name], random.Random(f"{arguments.seed} {name}")
            missing = arguments.kills // len(names) - count[name]
            if missing <= 0:
                continue
            prepared, folder = Path(scratch) / "prepared", Path(scratch) / "folder"
            (prepared / "out").mkdir(parents=True)
            case.prepare(prepared)
            shutil.copytree(prepared, folder)
            started = time.monotonic()
            call(folder, *case.command)
            duration_s = time.monotonic() - started
            reference = contents(folder, case)
            shutil.rmtree(folder)
            shutil.copytree(prepared, folder)
            points = points_of(folder, case)
            shutil.rmtree(folder)
            stream = crashes(case, points, duration_s, generator, arguments.small_disk is not None)
            print(f"{name}: {len(points)} points, {duration_s:.1f} s undisturbed, {missing} crashes to do", flush=True)
            for _ in range(count[name]):
                next(stream)
            while missing:
                crash = next(stream)
                shutil.copytree(prepared, folder)
                try:
                    crash = replace(crash, leftovers=survives(folder, case, crash, reference))
                except TooLate:
                    shutil.rmtree(folder)
                    continue
                except Lost as error:
                    crash = replace(crash, lost=str(error))
                    print(f"LOST {crash}", flush=True)
                results.write(json.dumps(asdict(crash)) + "\n")
                results.flush()
                missing -= 1
                shutil.rmtree(folder)
            shutil.rmtree(prepared)


def read(results: Path) -> list[Crash]:
    """The crashes done so far."""
    return [Crash(**json.loads(line)) for line in results.read_text().splitlines()] if results.exists() else []


def summarize(done: list[Crash]) -> None:
    """Print a table: crashes by case and kind, and what was lost."""
    kinds = list(dict.fromkeys(f"{crash.kind} {crash.target}" for crash in sorted(done, key=lambda crash: crash.kind)))
    print(f"| command | {' | '.join(kinds)} | all | lost |")
    print(f"|---|{'---|' * (len(kinds) + 2)}")
    for name in [*dict.fromkeys(crash.case for crash in done), ""]:
        rows = [crash for crash in done if name in ("", crash.case)]
        cells = Counter(f"{crash.kind} {crash.target}" for crash in rows)
        print(
            f"| {name or 'all'} | {' | '.join(str(cells[k]) for k in kinds)} | {len(rows)} | {sum(bool(c.lost) for c in rows)} |"
        )


def main() -> None:
    if sys.argv[1:2] == ["--inside"]:
        inside(int(sys.argv[2]), sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000, help="crashes in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path("crashes.jsonl"), help="one line per crash; continued if it exists")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), help="default: all")
    parser.add_argument("--small-disk", type=Path, help="a file system of a few MiB; adds crashes with a full disk")
    parser.add_argument("--summary", action="store_true", help="print the table of --results and run nothing")
    arguments = parser.parse_args()
    if not arguments.summary:
        run(arguments)
    summarize(read(arguments.results))


if __name__ == "__main__":
    main()
