"""Where the time of a study goes, against a plain hand-written Ax loop over the same searches, side by side in one run.

    python benchmarks/orchestrator.py studies/audio.yaml --replicates 2

Both run the study's views with the given number of replicates, the same trainings at the same seeds, on the same number of
processes, one after the other. Printed, for each: wall seconds, the share of all worker time that was not training, and the
resident memory of the processes over the run (first and last quarter). The hand-written loop is what a careful researcher
would write: one Ax client per search, one process per core, no storage.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from pathlib import Path

import psutil

import hpstudy
from hpstudy.engine.recorder import Recorder
from hpstudy.loading.load import load_study
from hpstudy.loading.make import make_task
from hpstudy.seeds import derive_seed
from hpstudy.study.schema import Study


class MemorySampler(threading.Thread):
    """Samples the resident memory of this process and its children twice a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.samples: list[dict[int, float]] = []
        self.finished = threading.Event()

    def run(self) -> None:
        me = psutil.Process()
        while not self.finished.wait(0.5):
            sample = {}
            for process in [me, *me.children(recursive=True)]:
                try:
                    sample[process.pid] = process.memory_info().rss / 2**20
                except psutil.NoSuchProcess:
                    continue
            self.samples.append(sample)

    def quarters(self) -> tuple[float, float]:
        """Largest resident memory of a process (MiB) in the second and in the last quarter of the run."""
        quarter = max(1, len(self.samples) // 4)
        second, last = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        return tuple(max(max(sample.values()) for sample in part) for part in (second or last, last))


def with_hpstudy(study: Study, workers: int, folder: Path) -> float:
    """Run the study; returns the seconds spent in training."""
    hpstudy.run(study, storage=folder / "study.sqlite", workers=workers)
    with hpstudy.open(folder / "study.sqlite") as reader:
        return float(reader.trials()["evaluate_s"].sum())


def with_ax_loop(study: Study, workers: int, _folder: Path) -> float:
    """The same searches as a hand-written loop over Ax clients, in a pool of processes."""
    searches = [(study.to_json(), view, replicate) for replicate in range(study.replicates) for view in study.views]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        return sum(pool.imap_unordered(ax_search, searches, chunksize=1))


def ax_search(request: tuple[str, str, int]) -> float:
    """One search by an Ax client at its defaults; returns the seconds spent in training."""
    import logging

    from ax.api.client import Client
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

    for name in [n for n in logging.root.manager.loggerDict if n.startswith("ax")]:
        logging.getLogger(name).setLevel(logging.WARNING)
    text, view_name, replicate = request
    study = Study.from_json(text)
    view, task = study.views[view_name], make_task(study.task)
    client = Client(random_seed=replicate)
    parameters = []
    for name, parameter in view.space.items():
        if parameter.type == "choice":
            kind = {bool: "bool", str: "str", int: "int", float: "float"}[type(parameter.values[0])]
            parameters.append(ChoiceParameterConfig(name=name, values=list(parameter.values), parameter_type=kind))
        else:
            scaling = "log" if parameter.log else "linear"
            bounds = (parameter.low, parameter.high)
            parameters.append(RangeParameterConfig(name=name, bounds=bounds, parameter_type=parameter.type, scaling=scaling))
    client.configure_experiment(parameters=parameters)
    client.configure_optimization(objective=study.metric.name if study.metric.goal == "maximize" else f"-{study.metric.name}")
    training_s = 0.0
    for number in range(study.search.trials):
        for index, point in client.get_next_trials(max_trials=1).items():
            started = time.perf_counter()
            seed = derive_seed(study.seed, "train", replicate, number)
            measured = task.evaluate(view, point, seed, Recorder())
            training_s += time.perf_counter() - started
            client.complete_trial(trial_index=index, raw_data={study.metric.name: measured[study.metric.name]})
    return training_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--replicates", type=int, default=2)
    parser.add_argument("--workers", type=int, default=psutil.cpu_count(logical=False))
    arguments = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    study = load_study(arguments.study).model_copy(update={"replicates": arguments.replicates})
    make_task(study.task).prepare()
    print(f"{study.name}: {len(study.views)} views x {study.replicates} replicates x {study.search.trials} trials, ", end="")
    print(f"{arguments.workers} workers")
    print(f"{'':24}{'wall s':>10}{'training s':>12}{'not training':>14}{'MiB, 2nd quarter':>18}{'MiB, last quarter':>19}")
    for label, how in (("hpstudy", with_hpstudy), ("hand-written Ax loop", with_ax_loop)):
        sampler = MemorySampler()
        sampler.start()
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            training_s = how(study, arguments.workers, Path(folder))
            wall_s = time.perf_counter() - started
        sampler.finished.set()
        sampler.join()
        share = 1 - training_s / (wall_s * arguments.workers)
        second, last = sampler.quarters()
        print(f"{label:24}{wall_s:>10.1f}{training_s:>12.1f}{share:>13.1%} {second:>17.0f} {last:>18.0f}")


if __name__ == "__main__":
    main()
