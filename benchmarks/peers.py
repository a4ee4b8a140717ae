"""A study's searches by hpstudy, by hand-written loops over Ax and Optuna, and in lockstep: time and quality, side by side in one run.

    python benchmarks/peers.py studies/audio.yaml --replicates 10 --lockstep 10
    python benchmarks/peers.py studies/audio.yaml --replicates 2 --only "hpstudy" "Ax"

Every contender runs the same views, replicates and trials with the same training function at the same training seeds, one after the other.
Controls and confirmations are left out. The hand-written loops are what a careful researcher would write: one search after another in a
pool of processes, one thread each, nothing stored; "Ax, in sequence" has one process. Printed for each contender: wall seconds with
start-up, the ratio to the first one, the share of all worker time that was not training, the largest resident memory of a process, and the
mean best value so far after a fifth, two fifths and all of the trials, so that speed can be compared at equal quality.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import hpstudy
from hpstudy.engine.recorder import Recorder
from hpstudy.loading.load import load_study
from hpstudy.loading.make import make_task
from hpstudy.seeds import derive_seed
from hpstudy.study.declaration import Analysis
from hpstudy.study.schema import Study
from hpstudy.study.space import Point, Space


@dataclass
class Ran:
    """What a contender did: (searches, trials) values in the order of the trials, NaN for a trial without one; seconds of training."""

    values: np.ndarray
    training_s: float


class Training:
    """The training function of one search, as a peer's loop calls it; keeps the values and the seconds that it took."""

    def __init__(self, study: Study, view: str, replicate: int) -> None:
        self.study, self.view, self.replicate = study, study.views[view], replicate
        self.task = make_task(study.task)
        self.values: list[float] = []
        self.seconds = 0.0

    def __call__(self, point: Point) -> float:
        seed = derive_seed(self.study.seed, "train", self.replicate, len(self.values))
        started = time.perf_counter()
        measured = self.task.evaluate(self.view, point, seed, Recorder())
        self.seconds += time.perf_counter() - started
        self.values.append(float(measured[self.study.metric.name]))
        return self.values[-1]


def ax_search(training: Training, seed: int) -> None:
    """One search by an Ax client at its defaults."""
    logging.disable(logging.INFO)
    from ax.api.client import Client
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

    client, metric = Client(random_seed=seed), training.study.metric
    parameters = []
    for name, parameter in training.view.space.items():
        if parameter.type == "choice":
            kind = {bool: "bool", str: "str", int: "int", float: "float"}[type(parameter.values[0])]
            parameters.append(ChoiceParameterConfig(name=name, values=list(parameter.values), parameter_type=kind))
        else:
            scaling = "log" if parameter.log else "linear"
            bounds = (parameter.low, parameter.high)
            parameters.append(RangeParameterConfig(name=name, bounds=bounds, parameter_type=parameter.type, scaling=scaling))
    client.configure_experiment(parameters=parameters)
    client.configure_optimization(objective=metric.name if metric.goal == "maximize" else f"-{metric.name}")
    for _ in range(training.study.search.trials):
        for index, point in client.get_next_trials(max_trials=1).items():
            client.complete_trial(trial_index=index, raw_data={metric.name: training(point)})


def optuna_search(sampler: str) -> Callable[[Training, int], None]:
    """One search by an Optuna study at the sampler's defaults."""

    def search(training: Training, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        made = getattr(optuna.samplers, sampler)(seed=seed)
        study = optuna.create_study(direction=training.study.metric.goal.value, sampler=made)
        study.optimize(lambda trial: training(suggested(trial, training.view.space)), n_trials=training.study.search.trials)

    return search


def suggested(trial: Any, space: Space) -> Point:
    """The point that Optuna suggests."""
    suggest = {"float": trial.suggest_float, "int": trial.suggest_int}
    return {
        name: trial.suggest_categorical(name, list(parameter.values))
        if parameter.type == "choice"
        else suggest[parameter.type](name, parameter.low, parameter.high, log=parameter.log)
        for name, parameter in space.items()
    }


PEERS: dict[str, Callable[[Training, int], None]] = {
    "Ax": ax_search,
    "Optuna GP": optuna_search("GPSampler"),
    "Optuna TPE": optuna_search("TPESampler"),
}
"""Hand-written loops by name."""


def peer_search(request: tuple[str, str, str, int]) -> tuple[list[float], float]:
    """One search of a peer: its values, and the seconds of training."""
    peer, text, view, replicate = request
    training = Training(Study.from_json(text), view, replicate)
    PEERS[peer](training, replicate)
    return training.values, training.seconds


def with_peer(peer: str, study: Study, workers: int) -> Ran:
    """The searches in a pool of processes."""
    requests = [(peer, study.to_json(), view, replicate) for replicate in range(study.replicates) for view in study.views]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        found = pool.map(peer_search, requests, chunksize=1)
    return Ran(np.array([values for values, _ in found]), sum(seconds for _, seconds in found))


def with_hpstudy(study: Study, workers: int) -> Ran:
    """The searches as a study."""
    with tempfile.TemporaryDirectory() as folder:
        hpstudy.run(study, storage=Path(folder) / "study.sqlite", workers=workers)
        with hpstudy.open(Path(folder) / "study.sqlite") as reader:
            trials = reader.trials().sort_values(["replicate", "view", "number"])
    shape = (study.replicates * len(study.views), study.search.trials)
    return Ran(trials["objective"].to_numpy(dtype=float).reshape(shape), float(trials["evaluate_s"].sum()))


class MemorySampler(threading.Thread):
    """Samples the resident memory of this process's children twice a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_mib = 0.0
        self.finished = threading.Event()

    def run(self) -> None:
        me = psutil.Process()
        while not self.finished.wait(0.5):
            for process in me.children(recursive=True):
                try:
                    self.peak_mib = max(self.peak_mib, process.memory_info().rss / 2**20)
                except psutil.NoSuchProcess:
                    continue


def contenders(study: Study, workers: int, lockstep: int) -> dict[str, Callable[[], Ran]]:
    """What is compared, by name."""

    def searched(**settings: Any) -> Study:
        return study.model_copy(update={"search": study.search.model_copy(update=settings)})

    return {
        "hpstudy": lambda: with_hpstudy(study, workers),
        "hpstudy, botorch": lambda: with_hpstudy(searched(searcher="botorch"), workers),
        f"hpstudy, lockstep of {lockstep}": lambda: with_hpstudy(searched(lockstep=lockstep), workers),
        "Ax": lambda: with_peer("Ax", study, workers),
        "Ax, in sequence": lambda: with_peer("Ax", study, 1),
        "Optuna GP": lambda: with_peer("Optuna GP", study, workers),
        "Optuna TPE": lambda: with_peer("Optuna TPE", study, workers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--replicates", type=int, default=2)
    parser.add_argument("--trials", type=int, help="trials of every search; the study's by default")
    parser.add_argument("--lockstep", type=int, help="replicates that are trained together; all by default")
    parser.add_argument("--workers", type=int, default=psutil.cpu_count(logical=False))
    parser.add_argument("--only", nargs="+", help="names of contenders")
    parser.add_argument("--results", type=Path, help="a JSON file for the figures, written after every contender")
    arguments = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    loaded = load_study(arguments.study)
    trials = arguments.trials or loaded.search.trials
    study = loaded.model_copy(
        update={
            "replicates": arguments.replicates,
            "search": loaded.search.model_copy(update={"trials": trials, "lockstep": 1}),
            "controls": (),
            "confirm": None,
            "analysis": Analysis(),
        }
    )
    make_task(study.task).prepare()
    workers, goal = arguments.workers, study.metric.goal
    print(f"{study.name}: {len(study.views)} views x {study.replicates} replicates x {trials} trials, {workers} workers")
    shown = sorted({max(trials // 5, 1), max(2 * trials // 5, 1), trials})
    best = "".join(f"{f'best at {number}':>12}" for number in shown)
    print(f"{'':28}{'wall s':>9}{'ratio':>8}{'not training':>14}{'MiB':>7}{best}")
    figures: dict[str, Any] = {}
    for name, run in contenders(study, workers, arguments.lockstep or study.replicates).items():
        if arguments.only and name not in arguments.only:
            continue
        sampler = MemorySampler()
        sampler.start()
        started = time.perf_counter()
        ran = run()
        wall_s = time.perf_counter() - started
        sampler.finished.set()
        sampler.join()
        curve = goal.sign * np.fmax.accumulate(goal.sign * ran.values, axis=1).mean(axis=0)
        busy = 1 if "sequence" in name else workers
        figures[name] = {
            "wall_s": wall_s,
            "not_training": 1 - ran.training_s / (wall_s * busy),
            "peak_mib": sampler.peak_mib,
            "curve": curve.tolist(),
        }
        first = next(iter(figures.values()))["wall_s"]
        values = "".join(f"{curve[number - 1]:>12.4f}" for number in shown)
        row = f"{name:28}{wall_s:>9.1f}{wall_s / first:>8.2f}{figures[name]['not_training']:>13.1%} {sampler.peak_mib:>7.0f}"
        print(row + values, flush=True)
        if arguments.results:
            arguments.results.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
