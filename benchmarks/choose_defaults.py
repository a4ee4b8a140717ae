"""Measure an audio task: accuracies at random points of its views, the noise of the seed, what a trial costs.

    python benchmarks/choose_defaults.py configs/tasks/audio_mlp.yaml --points 32

Prints the tables of docs/explanation/measurements.md. One thread, process CPU time.
"""

import argparse
import itertools
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from ruamel.yaml import YAML
from torch import nn

from hpstudy.bnn.batches import Data
from hpstudy.bnn.evaluation import evaluate
from hpstudy.engine.recorder import Recorder
from hpstudy.errors import Diverged
from hpstudy.seeds import derive_seed
from hpstudy.study.schema import View
from hpstudy.tasks.audio import DIGITS, AudioMLP, AudioSettings, audio_data

VIEWS = Path(__file__).parents[1] / "configs" / "views"
GOOD = {
    "filter": {"alpha": 1e-2, "gamma": 0.1},
    "latent": {
        "learning_rate": 0.1,
        "init_scale": 1e-3,
        "gamma": 0.1,
        "weight_decay": 1e-4,
        "scaling": False,
        "clipping": "gradient",
    },
}
"""A good point of each view, found by hand, for the noise of the seed."""

FROZEN = {"learning_rate": 1e-4, "init_scale": 10.0, "gamma": 0.1, "weight_decay": 1e-7, "scaling": False, "clipping": "none"}
"""Latent weights so large, and steps so small, that no binary weight flips: what the real-valued layer learns alone."""


def read(path):
    return YAML(typ="safe").load(path)


def measure(task, view, point, seed):
    """Final metrics (NaN where training diverged), and seconds of CPU time."""
    start = time.process_time()
    try:
        metrics = task.evaluate(view, point, seed, Recorder())
    except Diverged:
        metrics = {"val_accuracy": np.nan, "test_accuracy": np.nan}
    return metrics, time.process_time() - start


def row(name, trials):
    values = np.array([metrics["val_accuracy"] for metrics, _ in trials])
    seconds = np.mean([s for _, s in trials])
    marks = np.nanquantile(values, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
    print(
        f"| {name} | {len(values)} | {np.isnan(values).sum()} | {' | '.join(f'{v:.3f}' for v in marks)} | {seconds:.2f} |",
        flush=True,
    )


def seed_row(name, trials):
    values = [np.array([metrics[k] for metrics, _ in trials]) for k in ("val_accuracy", "test_accuracy")]
    print(f"| {name} | {len(trials)} | {' | '.join(f'{v.mean():.4f} | {v.std(ddof=1):.4f}' for v in values)} |", flush=True)


def ceiling(data: Data, settings: AudioSettings, learning_rate: float, seed: int) -> float:
    """Validation accuracy of the same network with real weights and rectified activations, for as many epochs."""
    torch.manual_seed(seed)
    sizes = [data.train.x.shape[1], *settings.widths, DIGITS]
    layers = [m for a, b in itertools.pairwise(sizes) for m in (nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU())]
    network = nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs)
    for _ in range(settings.epochs):
        network.train()
        for rows in torch.randperm(len(data.train.y)).split(settings.batch_size):
            if len(rows) == settings.batch_size:
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(data.train.x[rows]), data.train.y[rows]).backward()
                optimizer.step()
        schedule.step()
    return evaluate(network, data, data.validation).accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", type=Path, help="a file of configs/tasks")
    parser.add_argument("--points", type=int, default=32, help="random points of every view")
    parser.add_argument("--seeds", type=int, default=8, help="trainings at one good point of a view")
    parser.add_argument("--views", nargs="+", default=["latent", "filter", "filter_same_support"])
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=JSON", help="other settings of the task, for instance epochs=20"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    block = {**read(arguments.task), **{key: json.loads(value) for key, value in (pair.split("=") for pair in arguments.set)}}
    block.pop("use")
    settings = AudioSettings.model_validate(block)
    task = AudioMLP(settings)
    task.prepare()
    data = audio_data(settings.dataset, settings.split, settings.features, settings.train_clips, settings.device)
    parts = {name: len(part.y) for name, part in vars(data).items()}
    print(f"\n{arguments.task.name}: {parts}, {data.train.x.shape[1]} features, {arguments.set or ''}\n")
    best = {rate: [ceiling(data, settings, rate, seed) for seed in range(3)] for rate in (1e-3, 1e-2, 1e-1)}
    print("real-valued network, mean of 3:", {rate: round(float(np.mean(values)), 4) for rate, values in best.items()}, "\n")
    print("| view, random points | points | diverged | worst | 10% | 25% | median | 75% | 90% | best | s per trial |")
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    views = {name: View.model_validate(read(VIEWS / f"{name}.yaml")) for name in arguments.views}
    for name, view in views.items():
        generator = np.random.default_rng(1)
        points = [view.space.from_unit(generator.random(len(view.space))) for _ in range(arguments.points)]
        row(name, [measure(task, view, point, derive_seed(0, "measure", i)) for i, point in enumerate(points)])
    print("\n| view, one good point | seeds | validation mean | deviation | test mean | deviation |\n|---|---|---|---|---|---|")
    for name in GOOD:
        if name in views:
            trials = [measure(task, views[name], GOOD[name], derive_seed(1, "measure", i)) for i in range(arguments.seeds)]
            seed_row(name, trials)
    if "latent" in views:
        seed_row(
            "no binary weight moves", [measure(task, views["latent"], FROZEN, derive_seed(1, "measure", i)) for i in range(3)]
        )


if __name__ == "__main__":
    main()
