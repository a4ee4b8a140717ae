"""What an ask costs: of the searchers ax and botorch for one search, and in lockstep.

    OMP_NUM_THREADS=1 python benchmarks/asks.py

Milliseconds of CPU time per ask and search, medians over rounds in which every size of group is asked once.
"""

from __future__ import annotations

import argparse
import itertools
import time

import numpy as np

from hpstudy.goal import Goal
from hpstudy.search.ax import AxSearcher
from hpstudy.search.botorch import BoTorchSearcher, BoTorchSettings
from hpstudy.search.interface import Observation, Searcher
from hpstudy.search.sobol import sobol_points
from hpstudy.study.space import Space

GROUPS = (10, 20, 40)


def history(space: Space, trials: int, seed: int) -> list[Observation]:
    """A search at Sobol points with noisy values of a bowl."""
    noise = np.random.default_rng(seed).normal(0, 0.1, trials)
    points = sobol_points(space, seed=seed, start=0, count=trials)
    bowls = [sum((parameter.unit(point[name]) - 0.3) ** 2 for name, parameter in space.items()) for point in points]
    return [Observation(n, point, bowls[n] + noise[n]) for n, point in enumerate(points)]


def ask_ms(searcher: Searcher, space: Space, histories: list[list[Observation]], seeds: range) -> float:
    """CPU milliseconds per search: of `ask` for one search, of `ask_many` for several."""
    start = time.process_time()
    if len(histories) == 1:
        searcher.ask(space, histories[0], goal=Goal.MINIMIZE, seed=seeds[0], number=len(histories[0]))
    else:
        searcher.ask_many(space, histories, goal=Goal.MINIMIZE, seeds=seeds, number=len(histories[0]))
    return 1e3 * (time.process_time() - start) / len(histories)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--effort", default="fast", choices=["fast", "default"])
    arguments = parser.parse_args()
    settings = BoTorchSettings(effort=arguments.effort)
    columns: dict[str, tuple[Searcher, int]] = {"ax": (AxSearcher(settings), 1), "botorch": (BoTorchSearcher(settings), 1)}
    columns |= {f"group of {size}": (BoTorchSearcher(settings), size) for size in GROUPS}
    print(f"effort: {arguments.effort}, {arguments.rounds} rounds; CPU ms per ask and search (and times as fast as ax)")
    print(f"{'floats':>6}{'trials':>8}" + "".join(f"{name:>16}" for name in columns))
    for floats, trials in itertools.product((2, 6), (10, 25)):
        space = Space.model_validate({f"x{i}": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True} for i in range(floats)})
        ms: dict[str, list[float]] = {name: [] for name in columns}
        for number in range(-1, arguments.rounds):  # the first round pays for imports
            for name, (searcher, size) in columns.items():
                seeds = range(1_000 * number, 1_000 * number + size) if number >= 0 else range(size)
                spent = ask_ms(searcher, space, [history(space, trials, seed) for seed in seeds], seeds)
                if number >= 0:
                    ms[name].append(spent)
        median = {name: float(np.median(measured)) for name, measured in ms.items()}
        cells = (f"{value:.1f} ({median['ax'] / value:.1f})" for value in median.values())
        print(f"{floats:6}{trials:8}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
