"""What an ask of the ax searcher costs, alone and in lockstep.

    OMP_NUM_THREADS=1 python benchmarks/asks.py

Milliseconds of CPU time per ask and search, medians over rounds in which every size of group is asked once.
"""

from __future__ import annotations

import argparse
import itertools
import time

import numpy as np

from hpstudy.goal import Goal
from hpstudy.search.ax import AxSearcher, AxSettings
from hpstudy.search.interface import Observation
from hpstudy.search.sobol import sobol_points
from hpstudy.study.space import Space

GROUPS = (10, 20, 40)


def history(space: Space, trials: int, seed: int) -> list[Observation]:
    """A search at Sobol points with noisy values of a bowl."""
    noise = np.random.default_rng(seed).normal(0, 0.1, trials)
    points = sobol_points(space, seed=seed, start=0, count=trials)
    bowls = [sum((parameter.unit(point[name]) - 0.3) ** 2 for name, parameter in space.items()) for point in points]
    return [Observation(n, point, bowls[n] + noise[n]) for n, point in enumerate(points)]


def ask_ms(searcher: AxSearcher, space: Space, histories: list[list[Observation]], seeds: range) -> float:
    """CPU milliseconds per search: of `ask` for one search, of `ask_many` for several."""
    arguments = {"goal": Goal.MINIMIZE, "number": len(histories[0])}
    start = time.process_time()
    if len(histories) == 1:
        searcher.ask(space, histories[0], seed=seeds[0], **arguments)
    else:
        searcher.ask_many(space, histories, seeds=seeds, **arguments)
    return 1e3 * (time.process_time() - start) / len(histories)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--effort", default="fast", choices=["fast", "default"])
    arguments = parser.parse_args()
    searcher = AxSearcher(AxSettings(effort=arguments.effort))
    print(f"effort: {arguments.effort}, {arguments.rounds} rounds; CPU ms per ask and search (and times as fast as ask)")
    print(f"{'floats':>6}{'trials':>8}{'ask':>8}" + "".join(f"{f'group of {size}':>20}" for size in GROUPS))
    for floats, trials in itertools.product((2, 6), (10, 25)):
        space = Space.model_validate({f"x{i}": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True} for i in range(floats)})
        ms: dict[int, list[float]] = {size: [] for size in (1, *GROUPS)}
        for number in range(-1, arguments.rounds):  # the first round pays for imports
            for size, measured in ms.items():
                seeds = range(1_000 * number, 1_000 * number + size) if number >= 0 else range(size)
                spent = ask_ms(searcher, space, [history(space, trials, seed) for seed in seeds], seeds)
                if number >= 0:
                    measured.append(spent)
        median = {size: float(np.median(measured)) for size, measured in ms.items()}
        groups = "".join(f"{f'{median[size]:.1f} ({median[1] / median[size]:.1f})':>20}" for size in GROUPS)
        print(f"{floats:6}{trials:8}{median[1]:8.0f}{groups}", flush=True)


if __name__ == "__main__":
    main()
