"""Time and memory of the commands that read a database, of up to 1,000,000 trials that this program makes up.

    python benchmarks/large_databases.py build databases --trials 10000 100000 1000000
    OMP_NUM_THREADS=1 python benchmarks/large_databases.py time databases

`build` writes two shards of a study of 4 views with 2 to 5 hyperparameters through the store, without training, and merges them into the
database of the whole study. Points are random, and the value is a bowl with noise. `time` prints, for each number of trials and each
command, CPU seconds (user and system), wall seconds and the peak of the resident memory, all of a new process.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hpstudy
from hpstudy.engine.environment import host_environment
from hpstudy.loading.bind import bind
from hpstudy.store import EndedTrial, NewTrial, Store
from hpstudy.study.plan import Plan
from hpstudy.study.schema import Study
from hpstudy.study.shard import Shard
from hpstudy.tasks.outcome import Outcome

VIEWS = 4

SHARDS = 2

SIZES = {10_000: (50, 50), 100_000: (250, 100), 1_000_000: (1_000, 250)}
"""Replicates, and trials of a search, by the number of trials of the study."""

COMMANDS = {
    "status": ["status", "{whole}"],
    "best": ["best", "{whole}"],
    "trials, as CSV": ["trials", "{whole}", "--format", "csv"],
    "export, CSV": ["export", "{whole}", "--output", "{folder}/trials.csv"],
    "export, Parquet": ["export", "{whole}", "--format", "parquet", "--output", "{folder}/trials.parquet"],
    "export, JSON": ["export", "{whole}", "--format", "json", "--output", "{folder}/trials.json"],
    "db check": ["db", "check", "{whole}"],
    "merge of two shards": ["merge", "{shard0}", "{shard1}", "-o", "{folder}/merged.sqlite"],
    "resume, nothing left": ["resume", "{whole}"],
    "report, PDF": ["report", "{whole}", "-o", "{folder}"],
}
"""Command lines by name."""


def study_of(replicates: int, trials: int) -> Study:
    """A study of Branin's function with padded spaces."""
    space = {"x1": {"type": "float", "low": -5, "high": 10}, "x2": {"type": "float", "low": 0, "high": 15}}
    padded = {f"z{index + 1}": {"type": "float", "low": 0, "high": 1} for index in range(VIEWS - 1)}
    made = Study.model_validate(
        {
            "name": f"trials_{VIEWS * replicates * trials}",
            "task": {"use": "branin", "dummies": VIEWS - 1},
            "metric": {"name": "value", "goal": "minimize"},
            "views": {f"view{index}": {"space": {**space, **dict(list(padded.items())[:index])}} for index in range(VIEWS)},
            "search": {"searcher": "random", "trials": trials},
            "replicates": replicates,
        }
    )
    return bind(made).study


def write(path: Path, study: Study, shard: Shard) -> None:
    """The complete database of a shard."""
    with Store.create(path, study.started(), shard=shard) as store:
        store.begin_session(host_environment())
        for key in Plan(study).searches():
            if not shard.holds(study, key.replicate):
                continue
            draws, started, ended = random.Random(f"{key.view} {key.replicate}"), [], []
            for number in range(study.search.trials):
                point = {name: draws.uniform(of.low, of.high) for name, of in study.views[key.view].space.items()}
                value = sum((at - 0.3) ** 2 for at in point.values()) + draws.gauss(0, 1)
                started.append(NewTrial(key, number, point, 0.01))
                ended.append(
                    EndedTrial(key, number, Outcome("completed", {"value": value}, duration_s=draws.uniform(1, 2)), value)
                )
            store.start_trials(started)
            store.finish_trials(ended)


def build(folder: Path, sizes: list[int]) -> None:
    """Write the databases."""
    folder.mkdir(parents=True, exist_ok=True)
    for size in sizes:
        study, started = study_of(*SIZES[size]), time.process_time()
        whole = folder / f"{study.name}.sqlite"
        shards = {shard.storage(whole): shard for shard in (Shard(index, SHARDS) for index in range(SHARDS))}
        for path, shard in shards.items():
            write(path, study, shard)
        hpstudy.merge(list(shards), whole)
        cpu_s, mib = time.process_time() - started, whole.stat().st_size / 2**20
        print(f"{size:,} trials: {mib:,.0f} MiB; {cpu_s:.0f} s of CPU for the shards and their merge", flush=True)


def table(folder: Path, sizes: list[int], only: list[str]) -> None:
    """Time the commands."""
    print(f"{'trials':>10}  {'command':24}{'CPU s':>9}{'wall s':>9}{'MiB':>9}")
    for size in sizes:
        whole = folder / f"trials_{size}.sqlite"
        if not whole.exists():
            continue
        files = {f"shard{index}": str(Shard(index, SHARDS).storage(whole)) for index in range(SHARDS)}
        for name in only or COMMANDS:
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                arguments = [part.format(whole=whole, folder=temporary, **files) for part in COMMANDS[name]]
                started = time.perf_counter()
                process = subprocess.Popen(
                    [sys.executable, "-m", "hpstudy", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
                )
                assert process.stderr is not None
                said = process.stderr.read()
                _, status, used = os.wait4(process.pid, 0)
                wall_s = time.perf_counter() - started
            row = f"{size:>10,}  {name:24}{used.ru_utime + used.ru_stime:>9.1f}{wall_s:>9.1f}{used.ru_maxrss / 2**10:>9,.0f}"
            print(row if not status else f"{row}  status {status}: {said.decode()[-300:]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("build", "time"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, nargs="+", choices=SIZES, default=list(SIZES), help="sizes of the databases")
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=[], help="commands to time")
    arguments = parser.parse_args()
    if arguments.command == "build":
        build(arguments.folder, arguments.trials)
    else:
        table(arguments.folder, arguments.trials, arguments.only)


if __name__ == "__main__":
    main()
