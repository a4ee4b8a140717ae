"""CPU time of reports, part by part, of studies that this program makes and of any databases.

    OMP_NUM_THREADS=1 python benchmarks/reports.py build databases
    OMP_NUM_THREADS=1 python benchmarks/reports.py time reports/audio.sqlite databases/*.sqlite

`build` runs studies of a cheap function with random searchers: 1,000 trials in 2 views; 4,800 trials in 12 views; 3,000 trials in 3 views
whose incumbents are all confirmed on 8 fresh seeds; 100,000 trials of Branin in 4 views. All but the last have learning curves, flip ratios
and a view's usual number of hyperparameters. `time` prints, for each database, the CPU seconds (user and system) of `hpstudy status` and of
`hpstudy report`, each in a new process, and those of the report's parts.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import hpstudy
from hpstudy.cli.results import NEW_OBJECTS
from hpstudy.study.schema import Study
from hpstudy.tasks.interface import Report

EPOCHS = 10

EXTRA_METRICS = ("train_loss", "train_accuracy", "val_loss", "flip_ratio", "flip_ratio.layer1", "flip_ratio.layer2")


def train(params: Mapping[str, float], seed: int, report: Report) -> dict[str, float]:
    """A noisy bowl with learning curves; hyperparameters x1, x2, ... matter less and less."""
    generator = np.random.default_rng(seed)
    at = np.array(list(params.values()))
    value = 0.6 - ((at - 0.3) ** 2 / (1 + np.arange(len(at)))).sum() * 0.2 + 0.01 * generator.standard_normal()
    measured = {name: float(number) for name, number in zip(EXTRA_METRICS, generator.random(len(EXTRA_METRICS)), strict=True)}
    for epoch in range(1, EPOCHS + 1):
        report(epoch, val_accuracy=value * epoch / EPOCHS, **measured)
    return {"val_accuracy": float(value), **measured}


def unit_space(hyperparameters: int) -> dict[str, Any]:
    """Real hyperparameters between 0 and 1."""
    return {f"x{index + 1}": {"type": "float", "low": 0, "high": 1, "default": 0.5} for index in range(hyperparameters)}


def bowls(name: str, sizes: tuple[int, ...], replicates: int, trials: int, **more: Any) -> Study:
    """A study of `train` with a view for each number of hyperparameters."""
    return Study.model_validate(
        {
            "name": name,
            "task": {"use": "reports:train"},
            "metric": {"name": "val_accuracy", "goal": "maximize"},
            "views": {f"view{index}": {"space": unit_space(size)} for index, size in enumerate(sizes)},
            "search": {"searcher": "random", "trials": trials},
            "replicates": replicates,
            **more,
        }
    )


def studies() -> Iterator[Study]:
    """The studies that are reported."""
    yield bowls("two_views", (6, 2), 20, 25, analysis={"budgets": [5, 10, 15, 25], "margin": 0.005})
    compare = [[f"view{index}", "view0"] for index in range(1, 12)]
    yield bowls(
        "twelve_views", (2, 4, 4, 5, 6, 6, 6, 6, 7, 7, 8, 9), 20, 20, analysis={"compare": compare, "budgets": [5, 10, 20]}
    )
    endpoints = [
        {"use": "confirmed_regret"},
        {"use": "confirmed_regret", "plateau": "best", "co_primary": True},
        {"use": "trials_to_within", "deltas": [0.01, 0.005, 0.02]},
        {"use": "final"},
    ]
    declared = {"compare": [["view0", "view1"], ["view0", "view2"]], "budgets": [5, 10, 15, 25], "margin": 0.005}
    yield bowls(
        "confirmed", (6, 2, 2), 40, 25, confirm={"seeds": 8, "incumbents": True}, analysis={**declared, "endpoints": endpoints}
    )
    space = {"x1": {"type": "float", "low": -5, "high": 10}, "x2": {"type": "float", "low": 0, "high": 15}}
    padded = {f"z{index + 1}": {"type": "float", "low": 0, "high": 1} for index in range(3)}
    yield Study.model_validate(
        {
            "name": "hundred_thousand",
            "task": {"use": "branin", "dummies": 3},
            "metric": {"name": "value", "goal": "minimize"},
            "views": {f"padded{n}": {"space": {**space, **dict(list(padded.items())[:n])}} for n in range(4)},
            "search": {"searcher": "random", "trials": 100},
            "replicates": 250,
        }
    )


def build(folder: Path) -> None:
    """Run the studies."""
    folder.mkdir(parents=True, exist_ok=True)
    for study in studies():
        started = time.process_time()
        hpstudy.run(study, storage=folder / f"{study.name}.sqlite", executor="inline")
        print(f"{study.name}: {time.process_time() - started:.0f} s of CPU", flush=True)


def command_s(*arguments: str) -> float:
    """CPU seconds of a command in a process of its own."""
    before = os.times()
    subprocess.run([sys.executable, "-m", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def parts(database: str) -> dict[str, float]:
    """CPU seconds of the parts of a report in this process, which has not imported any of them."""
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(part: str) -> Iterator[None]:
        started = time.process_time()
        yield
        seconds[part] = time.process_time() - started

    gc.set_threshold(NEW_OBJECTS)  # as the command does
    with timed("imports"):
        import hpstudy.api.reports
        import hpstudy.report.headline
        import hpstudy.report.pdf
        from hpstudy.analysis.analyze import analyze
        from hpstudy.report import csvs, serial, style
        from hpstudy.report.document import document
    with timed("opening"):
        reader = hpstudy.open(database)
    with reader, timed("analysis"):
        results = analyze(reader, thorough=True)
    with hpstudy.open(database) as reader, timed("seals"):
        reader.warn_of_broken_seals()
        reader.content_digest()
    with style.applied():
        with timed("document"):
            made = document(results)
        with timed("JSON, CSV"):
            serial.text(serial.body(results))
            for rows in made.tables.values():
                csvs.text(rows())
        with timed("PDF"):
            hpstudy.report.pdf.compile_pdf(made)
    return seconds


def measured(database: str) -> dict[str, float]:
    """CPU seconds of commands about a database, and of the parts of its report."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = {
            "status": command_s("hpstudy", "status", database),
            "report": command_s("hpstudy", "report", database, "-o", folder),
        }
    own = subprocess.run([sys.executable, __file__, "parts", database], check=True, capture_output=True, text=True)
    return {**seconds, **json.loads(own.stdout)}


def table(databases: list[str]) -> None:
    """Print the seconds of each database."""
    print(f"hpstudy --help: {command_s('hpstudy', '--help'):.2f} s")
    for index, database in enumerate(databases):
        seconds = measured(database)
        if not index:
            print(f"{'':24}" + "".join(f"{part:>11}" for part in seconds))
        print(f"{Path(database).stem:24}" + "".join(f"{value:>11.2f}" for value in seconds.values()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("build", help="make the databases").add_argument("folder", type=Path)
    commands.add_parser("time", help="time status and report").add_argument("databases", nargs="+")
    commands.add_parser("parts", help="time the parts of one report; prints JSON").add_argument("database")
    arguments = parser.parse_args()
    run: dict[str, Callable[[], None]] = {
        "build": lambda: build(arguments.folder),
        "time": lambda: table(arguments.databases),
        "parts": lambda: print(json.dumps(parts(arguments.database))),
    }
    run[arguments.command]()


if __name__ == "__main__":
    main()
