"""How near the searchers come to a known optimum, and what an ask costs.

    OMP_NUM_THREADS=1 python benchmarks/search_quality.py --groups 3

Every searcher plays the same searches: search s of a function has the same noise on trial n, and the same initial points, in
every searcher that starts with the Sobol sequence. So searchers are compared pair by pair: a table gives the mean difference of the
final regrets with its 95% confidence interval (t). Searches are played in groups of 20, and the table is printed after every group.
A group takes about 5 minutes with all searchers.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.stats import t
from sklearn.ensemble import ExtraTreesRegressor

import hpstudy
from hpstudy.goal import Goal
from hpstudy.search.ax import AxSearcher
from hpstudy.search.botorch import BoTorchSearcher, BoTorchSettings
from hpstudy.search.encoding import Encoding
from hpstudy.search.interface import Observation, Searcher
from hpstudy.search.random import RandomSearcher
from hpstudy.search.sobol import SobolSearcher, sobol_points
from hpstudy.seeds import derive_seed
from hpstudy.study.space import Point, Space
from hpstudy.tasks.functions import Branin, FunctionSettings, Hartmann6

AUDIO = Path(__file__).parents[1] / "reports/audio.sqlite"
INITIAL = BoTorchSettings().initial

GROUP = 20
"""Searches that are played together."""

SEARCHERS: dict[str, Callable[[], Searcher]] = {
    "ax (fast)": lambda: AxSearcher(BoTorchSettings(effort="fast")),
    "ax (default)": lambda: AxSearcher(BoTorchSettings(effort="default")),
    "botorch": lambda: BoTorchSearcher(BoTorchSettings(effort="fast")),
    "lockstep": lambda: AxSearcher(BoTorchSettings(effort="fast")),
    "sobol": lambda: SobolSearcher(),
    "random": lambda: RandomSearcher(),
}
"""Only "lockstep" asks for a group at once."""


@dataclass(frozen=True)
class Function:
    """A function to minimize.

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
    weights, slopes, centers = Hartmann6._ALPHA, Hartmann6._A[:, :4], Hartmann6._P[:, :4]
    space = {
        **rates(4),
        "scaling": {"type": "choice", "values": [True, False]},
        "clipping": {"type": "choice", "values": ["none", "gradient"]},
    }

    def at(u: np.ndarray, scaling: bool, clipping: str) -> float:
        moved = u + np.array([0.2, -0.15, 0, 0]) if scaling else u
        depth = float(weights @ np.exp(-np.sum(slopes * (moved - centers) ** 2, axis=1)))
        return -depth * (1.0 if clipping == "gradient" else 0.8) + (0.0 if scaling else 0.15)

    starts = np.random.default_rng(0).random((40, 4))
    minimum = min(minimize(at, start, (s, "gradient"), bounds=[(0, 1)] * 4).fun for s in (True, False) for start in starts)
    return Function(
        Space.model_validate(space),
        lambda point: at(np.array(cube(point, 4)), point["scaling"] is True, str(point["clipping"])),
        float(minimum),
        noise=0.1,
    )


def audio() -> Function:
    """The error of the audio task's latent view: regression trees through the 1,000 recorded trials of reports/audio.sqlite.

    The noise is that of the training seed in the recorded confirmations; the minimum is over 20,000 quasi-random and the recorded points.
    """
    with hpstudy.open(AUDIO) as reader:
        space, trials = reader.study.views["latent"].space, reader.trials()
    encoding = Encoding(space)
    recorded = trials[trials["view"].isin(["latent", "latent/random"])]
    points = [{name: row[f"point.{name}"] for name in space.names()} for _, row in recorded.iterrows()]
    coordinates = np.array([encoding.encode(point) for point in points])
    trees = ExtraTreesRegressor(50, min_samples_leaf=3, random_state=0).fit(
        coordinates, 1 - recorded["objective"].to_numpy(float)
    )
    confirmed = trials[trials["view"] == "latent/confirm"].groupby("replicate")["objective"]
    quasi_random = [encoding.encode(point) for point in sobol_points(space, seed=0, start=0, count=20_000)]
    return Function(
        space,
        lambda point: float(trees.predict([encoding.encode(point)])[0]),
        float(trees.predict(np.concatenate([coordinates, quasi_random])).min()),
        noise=float(np.sqrt(confirmed.var().mean())),
    )


FUNCTIONS = {"branin": branin, "mixed": mixed, "hartmann": hartmann, "audio": audio}


def search(
    searcher: Searcher, function: Function, seeds: Sequence[int], *, trials: int, together: bool
) -> tuple[np.ndarray, float]:
    """Searches with these seeds.

    Returns:
        (searches, trials) regrets after every trial, and the CPU seconds of an ask after the initial trials.
    """
    histories: list[list[Observation]] = [[] for _ in seeds]
    true = np.empty((len(seeds), trials))
    seconds = 0.0
    for number in range(trials):
        start = time.process_time()
        arguments = {"goal": Goal.MINIMIZE, "number": number}
        if together:
            points = searcher.ask_many(function.space, histories, seeds=seeds, **arguments)
        else:
            points = [
                searcher.ask(function.space, past, seed=seed, **arguments) for past, seed in zip(histories, seeds, strict=True)
            ]
        seconds += (time.process_time() - start) * (number >= INITIAL)
        for index, (seed, point) in enumerate(zip(seeds, points, strict=True)):
            noise = np.random.default_rng(derive_seed(seed, "noise", number)).standard_normal()
            true[index, number] = function.value(point)
            histories[index].append(Observation(number, point, true[index, number] + function.noise * noise))
    return np.minimum.accumulate(true, axis=1) - function.minimum, seconds / (len(seeds) * max(1, trials - INITIAL))


def show(name: str, regrets: dict[str, np.ndarray], ask_s: dict[str, float]) -> None:
    """Print the table of a function; differences are from its first searcher."""
    first = next(iter(regrets))
    count, trials = regrets[first].shape
    budgets = [b for b in (10, 15, 20, 25, 50, 100) if b < trials] + [trials]
    print(f"\n{name}: median regret after n trials, {count} searches")
    print(
        f"{'':14}" + "".join(f"{f'n={b}':>8}" for b in budgets) + f"{'mean':>8}{'ms/ask':>8}   final regret minus that of {first}"
    )
    for searcher, regret in regrets.items():
        line = f"{searcher:14}" + "".join(f"{np.median(regret[:, b - 1]):8.4f}" for b in budgets)
        line += f"{regret[:, -1].mean():8.4f}{1e3 * ask_s[searcher]:8.1f}"
        if searcher != first:
            difference = regret[:, -1] - regrets[first][:, -1]
            half = float(t.ppf(0.975, count - 1)) * difference.std(ddof=1) / math.sqrt(count)
            line += f"   {difference.mean():.4f} (95% CI {difference.mean() - half:.4f} to {difference.mean() + half:.4f})"
        print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=1, help=f"groups of {GROUP} searches")
    parser.add_argument("--trials", type=int, default=25)
    parser.add_argument("--functions", nargs="+", default=list(FUNCTIONS), choices=list(FUNCTIONS))
    parser.add_argument("--searchers", nargs="+", default=list(SEARCHERS), choices=list(SEARCHERS))
    arguments = parser.parse_args()
    for name in arguments.functions:
        function = FUNCTIONS[name]()
        regrets = {searcher: np.empty((0, arguments.trials)) for searcher in arguments.searchers}
        ask_s: dict[str, float] = {}
        for group in range(arguments.groups):
            seeds = range(GROUP * group, GROUP * (group + 1))
            for searcher in arguments.searchers:
                make, together = SEARCHERS[searcher], searcher == "lockstep"
                if group == 0:
                    search(
                        make(), function, range(10**6, 10**6 + 2), trials=INITIAL + 1, together=together
                    )  # imports, and their time
                regret, ask_s[searcher] = search(make(), function, seeds, trials=arguments.trials, together=together)
                regrets[searcher] = np.concatenate([regrets[searcher], regret])
            show(name, regrets, ask_s)


if __name__ == "__main__":
    main()
