"""The audio task's networks in one pass against one after the other: seconds of CPU time per update and network, alternating in one run.

    python benchmarks/stacked_training.py
    python benchmarks/stacked_training.py --stack 4 10 --method latent_sgd --epochs 10

Both sides train the same networks (same seeds, default hyperparameters) on one thread, evaluations after every epoch included, and their
times hold everything from new networks to the metrics. On a machine that others use, CPU seconds are steadier than those of a clock,
and ratios steadier than seconds: every round measures all sizes of the stack, and the ratio is the median over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import torch
import yaml

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.methods.interface import Method
from hpstudy.bnn.settings import Surrogate
from hpstudy.bnn.train import train_many
from hpstudy.tasks.audio import AudioMLP, AudioSettings

CONFIG = Path(__file__).parent.parent / "configs" / "tasks" / "audio_mlp.yaml"


def seconds(task: AudioMLP, method: Method[Any], size: int) -> float:
    """CPU seconds of the training of `size` networks in one pass."""
    hp = method.Hyperparameters()
    began = time.process_time()
    networks = [
        task.network(
            BinaryActivation(method.activation(hp) or Surrogate(task.settings.activation)), torch.Generator().manual_seed(seed)
        )
        for seed in range(size)
    ]
    train_many(
        networks, method, [hp] * size, task.data(), task.settings, seeds=range(size), reports=[lambda *_, **__: None] * size
    )
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", type=int, nargs="+", default=[4, 10, 20], help="numbers of networks")
    parser.add_argument("--method", default="filter", choices=list(METHODS))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    given = yaml.safe_load(CONFIG.read_text())
    del given["use"]
    task = AudioMLP(AudioSettings.model_validate({**given, "epochs": args.epochs}))
    method = METHODS.load(args.method)()
    updates = args.epochs * (len(task.data().train.y) // task.settings.batch_size)
    sizes = [1, *args.stack]
    seconds(task, method, 2)
    rounds = [{size: seconds(task, method, size) / (size * updates) for size in sizes} for _ in range(args.rounds)]
    for size in sizes:
        ms = 1000 * statistics.median(one[size] for one in rounds)
        ratio = statistics.median(one[1] / one[size] for one in rounds)
        print(f"{size:3} networks: {ms:.2f} ms per update and network, {ratio:.2f} times as fast as alone")


if __name__ == "__main__":
    main()
