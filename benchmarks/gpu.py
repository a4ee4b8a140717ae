"""What one GPU does: first whether its numbers can be relied on, then how fast it is. One prepared script of less than eight minutes.

    python benchmarks/gpu.py --results gpu.json
    python benchmarks/gpu.py --device cpu --tiny --results try.json     # every line of it, without a GPU

Checked: whether a short training agrees with that on the CPU, whether a repeated training gives the same bits, whether a network's
numbers in a stack are independent of the other networks, and whether a study that is killed continues to the numbers of one that was not.
Measured: studies/audio.yaml without confirmations in lockstep, one of its trials alone, its asks, and updates per second of Bi-RealNet-20
alone and in several processes on one GPU, with the projected time of studies/cifar.yaml. The JSON file is written after every step. Images
are random bytes of CIFAR's shape: their content does not change the time. The embedded speech is synthesized on first use.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded: asks are timed on one thread
import argparse
import json
import math
import multiprocessing
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import conv2d

import hpstudy
from hpstudy.bnn.batches import Data, InMemory
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.images import ImageTransform
from hpstudy.bnn.layers import to_device
from hpstudy.bnn.methods.filter import Filter, FilterHyperparameters
from hpstudy.bnn.networks import NETWORKS
from hpstudy.bnn.settings import Surrogate, TrainSettings
from hpstudy.bnn.train import train
from hpstudy.engine.recorder import Recorder
from hpstudy.loading.load import load_study
from hpstudy.loading.make import make_searcher, make_task
from hpstudy.search.interface import Observation
from hpstudy.search.sobol import sobol_points
from hpstudy.study.declaration import Analysis
from hpstudy.study.schema import Study

STUDIES = Path(__file__).parents[1] / "studies"
CIFAR_UPDATES = 1000 * 30 * (45_000 // 256)
"""Updates of studies/cifar.yaml: trainings x epochs x updates per epoch."""


class Bench:
    """The steps, and what they found.

    Args:
        device: "cuda" or "cpu".
        tiny: sizes for a rehearsal.
        results: the JSON file.
    """

    def __init__(self, device: str, *, tiny: bool, results: Path) -> None:
        self.device = device
        self.tiny = tiny
        self.results = results
        self.figures: dict[str, Any] = {"device": device, "tiny": tiny, "date": time.strftime("%Y-%m-%d")}

    def run(self, step: Callable[[Bench], Any]) -> None:
        """Do one step, keep what it found or why it failed, and write the file."""
        started = time.perf_counter()
        try:
            found = step(self)
        except Exception as error:  # a step that fails must not take the others' figures with it
            found = {"failed": f"{type(error).__name__}: {error}"}
        self.figures[step.__name__] = {"found": found, "seconds": round(time.perf_counter() - started, 1)}
        print(step.__name__, json.dumps(self.figures[step.__name__]), flush=True)
        self.results.write_text(json.dumps(self.figures, indent=1))

    def audio(self, *, replicates: int, trials: int, lockstep: int = 1, device: str | None = None, **task: Any) -> Study:
        """The searches of studies/audio.yaml that Figure 8 has, without confirmations."""
        study = load_study(STUDIES / "audio.yaml")
        block = study.task.model_copy(update={"device": device or self.device, **task})
        changed = {
            "task": block,
            "views": {name: study.views[name] for name in ("latent", "filter")},
            "replicates": replicates,
            "search": study.search.model_copy(update={"trials": trials, "lockstep": lockstep}),
            "confirm": None,
            "analysis": Analysis(),
        }
        return study.model_copy(update=changed)

    def synchronize(self) -> None:
        """Wait for the device."""
        if self.device == "cuda":
            torch.cuda.synchronize()


def machine(bench: Bench) -> dict[str, Any]:
    """Card, processor and versions."""
    cuda = bench.device == "cuda"
    return {
        "card": torch.cuda.get_device_name() if cuda else None,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda if cuda else None,
    }


def trained(study: Study, seeds: list[int], view: str = "latent") -> list[dict[str, float]]:
    """The trainings of the view's default point at these seeds, in one stack."""
    task, (point,) = make_task(study.task), [study.views[view].space.default()]
    outcomes = task.evaluate_many(study.views[view], [point] * len(seeds), seeds, [Recorder() for _ in seeds])
    return [dict(outcome) if isinstance(outcome, dict) else {"failed": math.nan} for outcome in outcomes]


def agreement(bench: Bench) -> dict[str, float]:
    """Losses after a few updates on the CPU and on the device: equal up to rounding, which training amplifies."""
    losses = {}
    for device in ("cpu", bench.device):
        study = bench.audio(replicates=1, trials=5, device=device, train_clips=500, epochs=1)
        losses[device] = trained(study, [1])[0]["val_loss"]
    return {**losses, "relative": abs(losses[bench.device] - losses["cpu"]) / losses["cpu"]}


def signs(bench: Bench) -> dict[str, float]:
    """Largest error of a convolution of signs, whose results are integers, in each precision."""
    generator, found = torch.Generator().manual_seed(0), {}
    for channels, pixels in ((16, 32), (64, 8)):
        x, weight = (
            torch.randint(2, shape, generator=generator)
            .mul_(2)
            .sub_(1)
            .float()
            .to(bench.device, memory_format=torch.channels_last)
            for shape in ((256, channels, pixels, pixels), (channels, channels, 3, 3))
        )
        whole = conv2d(x.cpu().double(), weight.cpu().double(), padding=1)
        for name, tf32 in (("float32", False), ("tf32", True)):
            with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32):
                result = conv2d(x, weight, padding=1)
            found[f"{name}, {channels} channels"] = float((result.cpu().double() - whole).abs().max())
    return found


def repetition(bench: Bench) -> dict[str, bool]:
    """Whether the same training gives the same bits, alone and in a stack."""
    study = bench.audio(replicates=1, trials=5, epochs=1 if bench.tiny else 3)
    return {
        "alone": trained(study, [1]) == trained(study, [1]),
        "stacked": trained(study, [1, 2, 3, 4]) == trained(study, [1, 2, 3, 4]),
        "neighbors": trained(study, [1, 2, 3, 4])[1] == trained(study, [9, 2, 8, 7])[1],
        "places": trained(study, [1, 2, 3, 4])[1] == trained(study, [1, 3, 4, 2])[3],
    }


def resumption(bench: Bench) -> dict[str, Any]:
    """A study that is killed twice, against one that is not."""
    with tempfile.TemporaryDirectory() as folder:
        study = bench.audio(replicates=2, trials=6, lockstep=2, train_clips=1000, epochs=2)
        (Path(folder) / "study.json").write_text(study.to_json())
        code = "import sys, hpstudy; from hpstudy.study.schema import Study; from pathlib import Path\n"
        code += "if __name__ == '__main__': hpstudy.run(Study.from_json(Path('study.json').read_text()), storage=sys.argv[1], workers=2)"
        (Path(folder) / "run.py").write_text(code)
        kills = 0
        for number in range(3):
            process = subprocess.Popen([sys.executable, "run.py", "killed.sqlite"], cwd=folder, start_new_session=True)
            try:
                process.wait(None if number == 2 else 14)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                kills += 1
        subprocess.run([sys.executable, "run.py", "whole.sqlite"], cwd=folder, check=True)
        frames = [values(Path(folder) / name) for name in ("killed.sqlite", "whole.sqlite")]
        return {"kills": kills, "trials": len(frames[0]), "equal": bool(frames[0].equals(frames[1]))}


def values(storage: Path) -> pd.DataFrame:
    """Numbers of the trials of a database."""
    with hpstudy.open(storage) as reader:
        trials = reader.trials().sort_values(["view", "replicate", "number"], ignore_index=True)
    return trials[["view", "replicate", "number", "state", "objective"]]


def audio_study(bench: Bench) -> dict[str, Any]:
    """Figure 8: 2 views x 20 replicates x 25 trials in lockstep of 20, asks included."""
    return figure_8(bench, lockstep=2 if bench.tiny else 20, workers=2)


def audio_study_in_smaller_groups(bench: Bench) -> dict[str, Any]:
    """The same in lockstep of 10, so that four workers share the GPU."""
    return figure_8(bench, lockstep=1 if bench.tiny else 10, workers=4)


def figure_8(bench: Bench, *, lockstep: int, workers: int) -> dict[str, Any]:
    """Times of the searches of Figure 8."""
    replicates, trials = (2, 6) if bench.tiny else (20, 25)
    study = bench.audio(replicates=replicates, trials=trials, lockstep=lockstep, **({"epochs": 1} if bench.tiny else {}))
    make_task(study.task).prepare()  # the data set is made at its first use
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        summary = hpstudy.run(study, storage=Path(folder) / "study.sqlite", workers=workers)
        wall_s = time.perf_counter() - started
        with hpstudy.open(Path(folder) / "study.sqlite") as reader:
            stored = reader.trials()
    best = {view: float(found["objective"].max()) for view, found in stored.groupby("view")}
    return {
        "trainings": summary.counts.completed,
        "interrupted": summary.interrupted,
        "wall_s": wall_s,
        "training_s": float(stored["evaluate_s"].sum()),
        "asking_s": float(stored["ask_s"].sum()),
        "best": best,
    }


def trial_alone(bench: Bench) -> dict[str, float]:
    """Seconds of a trial of the audio study, alone and in stacks."""
    study = bench.audio(replicates=1, trials=5, **({"epochs": 1} if bench.tiny else {}))
    found = {}
    for size in (1, 2) if bench.tiny else (1, 8, 20):
        trained(study, list(range(size)))
        bench.synchronize()
        started = time.perf_counter()
        trained(study, list(range(size)))
        bench.synchronize()
        found[f"stack of {size}"] = (time.perf_counter() - started) / size
    return found


def asks(bench: Bench) -> dict[str, float]:
    """CPU seconds of an ask for the 20th trial, alone and of many searches at once."""
    study = bench.audio(replicates=20, trials=25)
    searcher, space, goal = make_searcher(study.search), study.views["latent"].space, study.metric.goal
    size, number, rng = 2 if bench.tiny else 20, 20, np.random.default_rng(0)
    histories = [
        [
            Observation(i, point, float(rng.normal()))
            for i, point in enumerate(sobol_points(space, seed=seed, start=0, count=number))
        ]
        for seed in range(size)
    ]
    seeds = list(range(size))
    found = {}
    for name, chosen in (("alone", seeds[:1]), (f"of {size}", seeds)):
        for _ in range(2):  # the first one imports and warms up
            started = time.process_time()
            searcher.ask_many(space, [histories[seed] for seed in chosen], goal=goal, seeds=chosen, number=number)
            found[name] = (time.process_time() - started) / len(chosen)
    return found


def random_images(device: str, rows: int) -> Data:
    """Random bytes in the shape of CIFAR-10, on the device."""
    generator = torch.Generator().manual_seed(0)

    def part(count: int) -> InMemory:
        x = torch.randint(256, (count, 32, 32, 3), generator=generator, dtype=torch.uint8)
        return InMemory(x.to(device), torch.randint(10, (count,), generator=generator).to(device))

    transform = ImageTransform([0.5] * 3, [0.25] * 3, padding=4, mirror=True).to(torch.device(device))
    return Data(part(rows), part(max(rows // 10, 1)), part(10), transform=transform)


def convolutional_updates(device: str, precision: str, epochs: int, rows: int, batch: int) -> float:
    """Updates per second of Bi-RealNet-20, width 16, an evaluation of a tenth of the images included in every epoch."""
    torch.set_num_threads(1)
    make: Any = NETWORKS.load("birealnet20")
    generator = torch.Generator().manual_seed(1)
    activation = BinaryActivation(Surrogate("approx_sign"))
    settings = make.Settings(variant="B", width=16)
    network = to_device(make(settings, channels_in=3, classes=10, activation=activation, generator=generator), device)
    data = random_images(device, rows)
    hp, chosen = FilterHyperparameters(), TrainSettings(epochs=epochs, batch_size=batch, device=device, precision=precision)
    started: list[float] = []

    def report(*_: Any, **__: float) -> None:
        started.append(time.perf_counter())  # the first epoch warms up

    train(network, Filter(), hp, data, chosen, seed=1, report=report)
    return (epochs - 1) * (rows // batch) / (started[-1] - started[0])


def convolutional(bench: Bench) -> dict[str, Any]:
    """Bi-RealNet-20: updates per second in one process and, together, in several; memory; the projected study."""
    sizes = (2, 128, 32) if bench.tiny else (3, 15_360, 256)
    fast = "tf32" if bench.device == "cuda" else "float32"
    found: dict[str, Any] = {}
    for precision, processes in (("float32", 1), (fast, 1), (fast, 2), (fast, 4)):
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            rates = pool.starmap(convolutional_updates, [(bench.device, precision, *sizes)] * processes)
        found[f"{precision}, {processes} processes"] = sum(rates)
    if bench.device == "cuda":
        convolutional_updates(bench.device, fast, 2, 4096, 256)
        found["peak_memory_mib"] = torch.cuda.max_memory_allocated() / 2**20
    found["cifar_study_hours"] = CIFAR_UPDATES / max(rate for name, rate in found.items() if "processes" in name) / 3600
    return found


STEPS = (
    machine, agreement, signs, repetition, resumption, audio_study, audio_study_in_smaller_groups, trial_alone, asks, convolutional
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small sizes: a rehearsal")
    parser.add_argument("--results", type=Path, default=Path("gpu.json"))
    parser.add_argument("--only", nargs="+", choices=[step.__name__ for step in STEPS])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(arguments.device, tiny=arguments.tiny, results=arguments.results)
    for step in STEPS:
        if not arguments.only or step.__name__ in arguments.only:
            bench.run(step)


if __name__ == "__main__":
    main()
