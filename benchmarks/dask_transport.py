"""What it costs to carry a step to a worker of Dask and back: real scheduler and workers, trials that sleep.

    PYTHONPATH=. python -m benchmarks.dask_transport --workers 1 2 4 8 16 --nap-s 1

A study of the user's function `nap` runs with as many searches as workers, once through a Dask cluster of this machine (a scheduler and
workers of one thread, each a process) and once in local worker processes. Measured from the moment at which every search has finished two
trials until the last trial is stored. A trial is two steps, the choice of its point and its training. Printed for each run: trials per
second; the time of a worker that is not sleep, per step; and the CPU time of all processes together, per step. The difference of the last
column between the two executors is the cost of the transport. All processes share the cores of one machine: with many workers the columns
show how busy the machine is, not how long a cluster would wait.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

import hpstudy
from hpstudy.engine.progress import Observer
from hpstudy.study.schema import Study
from tests.support.dask import DaskProcesses

WARM_TRIALS = 2
"""Trials of each search before the measurement: processes have started by then."""


def nap(params: Mapping[str, Any], seed: int) -> float:
    """A training that costs no CPU time."""
    time.sleep(params["seconds"])
    return float(params["x"]) + seed % 2


def study_of(searches: int, trials: int, nap_s: float) -> Study:
    return Study.model_validate(
        {
            "name": "naps",
            "task": {"use": "benchmarks.dask_transport:nap", "constants": {"seconds": nap_s}},
            "metric": {"name": "value", "goal": "minimize"},
            "views": {"one": {"space": {"x": {"type": "float", "low": 0, "high": 1}}}},
            "search": {"searcher": "random", "trials": trials},
            "replicates": searches,
        }
    )


class Meter(Observer):
    """Wall and CPU seconds of this process and its descendants between two counts of finished trials."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last, self.finished = first, last, 0
        self.wall_s = self.cpu_s = 0.0

    def trial_finished(self, *_: object) -> None:
        self.finished += 1
        if self.finished in (self.first, self.last):
            sign = 1 if self.finished == self.last else -1
            self.wall_s += sign * time.perf_counter()
            self.cpu_s += sign * sum(map(cpu_s, [me := psutil.Process(), *me.children(recursive=True)]))


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds of a process and of its children that have ended."""
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def measure(name: str, workers: int, trials: int, nap_s: float, **executor: Any) -> None:
    """Run the study and print a row."""
    meter = Meter(WARM_TRIALS * workers, trials * workers)
    with tempfile.TemporaryDirectory() as folder:
        hpstudy.run(
            study_of(workers, trials, nap_s), storage=Path(folder) / "naps.sqlite", progress=meter, workers=workers, **executor
        )
    measured = meter.last - meter.first
    idle_ms = 1000 * (meter.wall_s * workers - measured * nap_s) / (2 * measured)
    row = f"{name:>10}{workers:>9}{measured:>8}{meter.wall_s:>9.1f}{measured / meter.wall_s:>10.2f}"
    print(f"{row}{idle_ms:>22.1f}{1000 * meter.cpu_s / (2 * measured):>14.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--trials", type=int, default=22, help=f"trials of each search, {WARM_TRIALS} of which are not measured")
    parser.add_argument("--nap-s", type=float, default=1.0, help="seconds of a training")
    arguments = parser.parse_args()
    print(
        f"{'executor':>10}{'workers':>9}{'trials':>8}{'wall s':>9}{'trials/s':>10}{'not asleep ms/step':>22}{'CPU ms/step':>14}"
    )
    for workers in arguments.workers:
        with tempfile.TemporaryDirectory() as folder:
            cluster = DaskProcesses(Path(folder))
            try:
                for _ in range(workers):
                    cluster.start_worker()
                measure("dask", workers, arguments.trials, arguments.nap_s, executor="dask", address=cluster.address)
            finally:
                cluster.close()
        measure("processes", workers, arguments.trials, arguments.nap_s)


if __name__ == "__main__":
    main()
