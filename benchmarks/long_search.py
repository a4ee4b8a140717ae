"""Cost of a trial at the beginning and at the end of one long search of a trivial function.

    python benchmarks/long_search.py --trials 5000

Printed, for every searcher and executor: milliseconds of a trial over the first and the last 500 trials, and their ratio. With --failing
every trial fails but the first. `on_failure: worst` shows the searcher a value for each of them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import hpstudy
from hpstudy.engine.progress import Observer
from hpstudy.study.schema import Study

PART = 500
"""Trials at each end whose cost is compared."""

FUNCTION = "def function(params, seed):\n    if params['x1'] < 9.9:\n        raise ValueError\n    return params['x1']\n"
"""A function that fails nearly always."""


class Clock(Observer):
    """Notes when every trial ended."""

    def __init__(self) -> None:
        self.times = [time.perf_counter()]

    def trial_finished(self, search: object, trial: object, outcome: object) -> None:
        self.times.append(time.perf_counter())


def study(searcher: str, trials: int, use: str) -> Study:
    """One search of Branin, or of another function of x1 and x2."""
    space = {"x1": {"type": "float", "low": -5, "high": 10}, "x2": {"type": "float", "low": 0, "high": 15}}
    return Study.model_validate(
        {
            "name": "long",
            "task": {"use": use},
            "metric": {"name": "value", "goal": "minimize", "on_failure": "worst"},
            "views": {"both": {"space": space}},
            "search": {"searcher": searcher, "trials": trials},
            "replicates": 1,
            "limits": {"max_failures": 10**6},
        }
    )


def milliseconds(searcher: str, executor: str, trials: int, use: str) -> tuple[float, float]:
    """Of one trial, over the first and the last trials of a search."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        storage = Path(folder, "long.sqlite")
        hpstudy.run(study(searcher, trials, use), storage=storage, executor=executor, workers=1, progress=clock)
    # The first trial waits for the worker to start.
    first, last = clock.times[1 : PART + 2], clock.times[-PART - 1 :]
    return 1000 * (first[-1] - first[0]) / PART, 1000 * (last[-1] - last[0]) / PART


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--searchers", nargs="+", default=["random", "sobol"])
    parser.add_argument("--executors", nargs="+", default=["inline", "processes"])
    parser.add_argument("--failing", action="store_true")
    arguments = parser.parse_args()
    use = "branin"
    print(f"{'searcher':10}{'executor':12}{f'first {PART}, ms':>16}{f'last {PART}, ms':>16}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.failing:
            import sys

            Path(folder, "failing.py").write_text(FUNCTION)
            sys.path.insert(0, folder)
            use = "failing:function"
        for searcher in arguments.searchers:
            for executor in arguments.executors:
                first, last = milliseconds(searcher, executor, arguments.trials, use)
                print(f"{searcher:10}{executor:12}{first:>16.2f}{last:>16.2f}{last / first:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
