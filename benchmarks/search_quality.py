"""How near the searchers come to a known optimum, and what an ask costs.

    OMP_NUM_THREADS=1 python benchmarks/search_quality.py --seeds 20

Every searcher plays the same searches: search s of a function has the same noise on trial n, and the same initial points, in
every searcher that starts with the Sobol sequence. So searchers are compared pair by pair. 20 seeds take about 15 minutes.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.stats import wilcoxon

from hpstudy.search.ax import AxSearcher, AxSettings
from hpstudy.search.interface import Observation, Searcher
from hpstudy.search.random import RandomSearcher, RandomSettings
from hpstudy.search.sobol import SobolSearcher, SobolSettings
from hpstudy.seeds import derive_seed
from hpstudy.study.space import Point, Space
from hpstudy.tasks.functions import Branin, FunctionSettings, Hartmann6

SEARCHERS: dict[str, Callable[[], Searcher]] = {
    "ax (fast)": lambda: AxSearcher(AxSettings(effort="fast")),
    "ax (default)": lambda: AxSearcher(AxSettings(effort="default")),
    "sobol": lambda: SobolSearcher(SobolSettings()),
    "random": lambda: RandomSearcher(RandomSettings()),
}


@dataclass(frozen=True)
class Function:
    """A function to minimise.

    Attributes:
        space: its arguments, floats on a log scale as learning rates are.
        value: the function without noise.
        minimum: its smallest value.
        noise: standard deviation of the noise on a trial's value.
    """

    space: Space
    value: Callable[[Point], float]
    minimum: float
    noise: float


def rates(count: int) -> dict[str, dict[str, object]]:
    return {f"x{i}": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True} for i in range(count)}


def cube(point: Point, count: int) -> list[float]:
    """The floats of a point in [0, 1]."""
    return [(math.log10(float(point[f"x{i}"])) + 5) / 4 for i in range(count)]


def branin() -> Function:
    task = Branin(FunctionSettings())

    def value(point: Point) -> float:
        u, v = cube(point, 2)
        return task.value([15 * u - 5, 15 * v])

    return Function(Space.model_validate(rates(2)), value, Branin.minimum, noise=1.0)


def hartmann() -> Function:
    task = Hartmann6(FunctionSettings())
    return Function(Space.model_validate(rates(6)), lambda point: task.value(cube(point, 6)), Hartmann6.minimum, noise=0.1)


def mixed() -> Function:
    """The first four arguments of Hartmann 6, moved by one two-valued choice and scaled by another."""
    weights, slopes, centres = Hartmann6._ALPHA, Hartmann6._A[:, :4], Hartmann6._P[:, :4]
    space = {
        **rates(4),
        "scaling": {"type": "choice", "values": [True, False]},
        "clipping": {"type": "choice", "values": ["none", "gradient"]},
    }

    def at(u: np.ndarray, scaling: bool, clipping: str) -> float:
        moved = u + np.array([0.2, -0.15, 0, 0]) if scaling else u
        depth = float(weights @ np.exp(-np.sum(slopes * (moved - centres) ** 2, axis=1)))
        return -depth * (1.0 if clipping == "gradient" else 0.8) + (0.0 if scaling else 0.15)

    starts = np.random.default_rng(0).random((40, 4))
    minimum = min(minimize(at, start, (s, "gradient"), bounds=[(0, 1)] * 4).fun for s in (True, False) for start in starts)
    return Function(
        Space.model_validate(space),
        lambda point: at(np.array(cube(point, 4)), point["scaling"] is True, str(point["clipping"])),
        float(minimum),
        noise=0.1,
    )


def search(searcher: Searcher, function: Function, *, seed: int, trials: int) -> tuple[np.ndarray, list[float]]:
    """One search: the regret after every trial, and the seconds of every ask."""
    history: list[Observation] = []
    true, seconds = [], []
    for number in range(trials):
        start = time.perf_counter()
        point = searcher.ask(function.space, history, goal="minimize", seed=seed, number=number)
        seconds.append(time.perf_counter() - start)
        noise = np.random.default_rng(derive_seed(seed, "noise", number)).standard_normal()
        true.append(function.value(point))
        history.append(Observation(number, point, true[-1] + function.noise * noise))
    return np.minimum.accumulate(true) - function.minimum, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=25)
    parser.add_argument("--functions", nargs="+", default=["branin", "mixed", "hartmann"])
    parser.add_argument("--searchers", nargs="+", default=list(SEARCHERS), choices=list(SEARCHERS))
    arguments = parser.parse_args()
    budgets = [b for b in (10, 15, 20, 25, 50, 100) if b < arguments.trials] + [arguments.trials]
    first = arguments.searchers[0]

    for name in arguments.functions:
        function = {"branin": branin, "mixed": mixed, "hartmann": hartmann}[name]()
        search(SEARCHERS[first](), function, seed=10**6, trials=7)  # imports, and their time
        print(f"\n{name}: median regret after n trials, {arguments.seeds} searches")
        print(f"{'':14}" + "".join(f"{f'n={b}':>8}" for b in budgets) + f"{'mean':>8}{'ms/ask':>8}   better than {first}")
        finals: dict[str, np.ndarray] = {}
        for searcher in arguments.searchers:
            played = [search(SEARCHERS[searcher](), function, seed=s, trials=arguments.trials) for s in range(arguments.seeds)]
            regret = np.array([r for r, _ in played])
            finals[searcher] = regret[:, -1]
            ask_ms = 1e3 * float(np.median([s for _, seconds in played for s in seconds[5:]]))
            line = f"{searcher:14}" + "".join(f"{np.median(regret[:, b - 1]):8.3f}" for b in budgets)
            line += f"{regret[:, -1].mean():8.3f}{ask_ms:8.1f}"
            if searcher != first:
                gain = np.log10(finals[searcher] + 1e-3) - np.log10(finals[first] + 1e-3)
                p = float(wilcoxon(gain).pvalue)
                line += f"   {int(np.sum(gain < 0))} of {arguments.seeds}, p = {p:.2g}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
