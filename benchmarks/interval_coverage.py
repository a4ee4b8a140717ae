"""Coverage of the statistics of docs/reference/statistics.md that `benchmarks/coverage.py` does not simulate.

    OMP_NUM_THREADS=1 python benchmarks/interval_coverage.py --studies 1000

prints one table of that page for each function of `TABLES`, in percent of simulated studies with known truth. Everything is seeded.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

import hpstudy
from hpstudy.analysis import analyze
from hpstudy.analysis.arrays import Bools, Floats
from hpstudy.analysis.baselines.expected_best import expected_curve
from hpstudy.analysis.comparisons.family import shown_sides
from hpstudy.analysis.comparisons.margin import one_sided
from hpstudy.analysis.curves.anytime import Scale, anytime, anytime_difference, attained, progress
from hpstudy.analysis.results import Results
from hpstudy.analysis.statistics.bootstrap import Bootstrap, mean_intervals, simultaneous_band
from hpstudy.analysis.statistics.estimate import Estimate
from hpstudy.analysis.statistics.interquartile_mean import iqm_curve
from hpstudy.analysis.statistics.pairing import improvement, unpaired, win_share
from hpstudy.analysis.statistics.power import sd_interval
from hpstudy.analysis.statistics.ranks import shift
from hpstudy.analysis.statistics.student import t_intervals
from hpstudy.analysis.targets.average_runtime import average_runtime, mean_ratio, runtime_ratio
from hpstudy.goal import Goal

BOOTSTRAP = Bootstrap(seed=1, resamples=1000, confidence=0.95)
GOAL, TRIALS, N, MANY = Goal.MAXIMIZE, 25, 20, 400_000
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]
Row = tuple[str, list[float]]


def exponential(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Values with mean 1 and a long upper tail."""
    return rng.exponential(size=shape)


def two_exponentials(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Differences of two exponential values, the second with the double width; their mean is 0."""
    return rng.exponential(size=shape) - 2 * rng.exponential(size=shape) + 1


def restricted(rng: np.random.Generator, p: float, shape: tuple[int, ...]) -> Floats:
    """Geometric trials-to-target, restricted to `TRIALS`."""
    return np.minimum(rng.geometric(p, size=shape), TRIALS).astype(np.float64)


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Values from N(0, 1)."""
    return rng.normal(size=shape)


def student(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Values from Student's t with 3 degrees of freedom."""
    return rng.standard_t(3, size=shape)


def losses(p: float) -> Draw:
    """Normal values with a large loss in a share p of them; their mean is -1."""
    return lambda rng, shape: rng.normal(scale=0.3, size=shape) - (rng.random(shape) < p) / p


def share(covered: Bools | Iterable[bool]) -> float:
    """Percent of True."""
    return 100 * float(np.mean(list(covered)))


def means(studies: int) -> Iterator[Row]:
    """Of the mean of n replicates: BCa with the expansion, BCa without it, Student's t."""

    def two_geometric(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return restricted(rng, 0.08, shape) - restricted(rng, 0.12, shape)

    true_geometric = (1 - 0.92**TRIALS) / 0.08 - (1 - 0.88**TRIALS) / 0.12
    kinds = {"normal": (normal, 0.0), "exponential": (exponential, 1.0), "two exponentials": (two_exponentials, 0.0)}
    for name, (draw, truth) in {**kinds, "two geometric": (two_geometric, true_geometric)}.items():
        for n in (5, 10, 20):
            values = draw(np.random.default_rng([1, n]), (n, studies))
            intervals = [mean_intervals(values, BOOTSTRAP, expand=expand) for expand in (True, False)]
            intervals.append(t_intervals(values, BOOTSTRAP.confidence))
            yield f"{name} | {n}", [share((low <= truth) & (truth <= high)) for low, high in intervals]


def bands(studies: int) -> Iterator[Row]:
    """Of a whole curve of 25 trials by the simultaneous band, then by the pointwise intervals, for n = 10, 20, 40."""
    for name in ("random walk", "independent"):
        whole: list[list[bool]] = [[] for _ in range(6)]
        for index, n in enumerate((10, 20, 40)):
            rng = np.random.default_rng([2, n])
            for _ in range(studies):
                values = normal(rng, (n, TRIALS))
                values = values.cumsum(axis=1) if name == "random walk" else values
                band, (low, high) = simultaneous_band(values, BOOTSTRAP), t_intervals(values, BOOTSTRAP.confidence)
                whole[index].append(bool(((band.low <= 0) & (band.high >= 0)).all()))
                whole[3 + index].append(bool(((low <= 0) & (high >= 0)).all()))
        yield name, [share(covered) for covered in whole]


def equivalence(studies: int) -> Iterator[Row]:
    """False "equivalent" at a mean of -margin: t alone at n = 20, then both bounds at n = 20 (withheld), 29, 40, 60."""

    kinds: dict[str, tuple[Draw, float]] = {"normal": (lambda rng, shape: normal(rng, shape) - 1, 1.0)}
    kinds |= {f"a large loss in {p:.0%} of the searches": (losses(p), 1.0) for p in (0.2, 0.1, 0.05)}
    kinds["exponential, long tail of losses"] = (lambda rng, shape: -exponential(rng, shape), 1.0)
    kinds["t with 2 degrees of freedom"] = (lambda rng, shape: rng.standard_t(2, size=shape) - 3, 3.0)
    inner = replace(BOOTSTRAP, confidence=2 * BOOTSTRAP.confidence - 1)
    for name, (draw, margin) in kinds.items():
        rates = []
        for n in (20, 29, 40, 60):
            values = draw(np.random.default_rng([3, n]), (n, studies))
            t, bca = t_intervals(values, inner.confidence), mean_intervals(values, inner)
            if n == 20:
                rates.append(share((t[0] > -margin) & (t[1] < margin)))
            rates.append(share((np.minimum(t[0], bca[0]) > -margin) & (np.maximum(t[1], bca[1]) < margin)))
        yield name, rates


def analyzed(name: str) -> Results:
    """The results of a committed study."""
    with hpstudy.open(Path(__file__).parents[1] / "reports" / f"{name}.sqlite") as reader:
        return analyze(reader)


def claims(studies: int) -> Iterator[Row]:
    """False verdicts on claims about a mean that equals their only bound: that it is above, at n = 6, 10, 20, 40, then that it is below."""

    def trials(p: float, q: float) -> tuple[Draw, float]:
        means = [(1 - (1 - chance) ** TRIALS) / chance for chance in (p, q)]
        return (lambda rng, shape: restricted(rng, p, shape) - restricted(rng, q, shape)), means[0] - means[1]

    kinds: dict[str, tuple[Draw, float]] = {"normal": (normal, 0.0), "t with 3 degrees of freedom": (student, 0.0)}
    kinds["exponential, long tail of gains"] = (exponential, 1.0)
    kinds |= {f"a large loss in {p:.0%} of the searches": (losses(p), -1.0) for p in (0.1, 0.05)}
    kinds |= {f"trials, success per trial {p:g} and {q:g}": trials(p, q) for p, q in ((0.04, 0.12), (0.02, 0.5))}
    for name in ("audio-large", "audio_fsdd-large"):
        declared = [(result.endpoint, result.declared) for result in analyzed(name).declared]
        kinds |= {
            f"{name}: {endpoint.use}": (_resampled(found.pairs[0].differences), float(found.pairs[0].differences.mean()))
            for endpoint, found in declared
            if found is not None and not endpoint.of_best_plateau
        }
    for name, (draw, truth) in kinds.items():
        ends = [t_intervals(draw(np.random.default_rng([6, n]), (n, studies)), BOOTSTRAP.confidence) for n in (6, 10, 20, 40)]
        yield name, [*(share(low > truth) for low, _ in ends), *(share(high < truth) for _, high in ends)]


def controls(studies: int) -> Iterator[Row]:
    """False "shown" for any of three views whose mean is that of their control, at n = 6, 10, 20, 40."""
    kinds: dict[str, tuple[Draw, float]] = {"normal": (normal, 0.0), "t with 3 degrees of freedom": (student, 0.0)}
    kinds |= {"exponential": (exponential, 1.0), "a large loss in 10% of the searches": (losses(0.1), -1.0)}
    results = analyzed("audio-large")
    assert results.confirmation is not None, "it has confirmations"
    search, point = (
        _resampled(results.views[0].best[:, -1]),
        results.confirmation.views[0].data.default[results.study.metric.name],
    )
    training, mean = _resampled(point), float(results.views[0].best[:, -1].mean() - point.mean())
    kinds["audio-large: final bests of two searches of latent"] = (
        lambda rng, shape: search(rng, shape) - search(rng, shape),
        0.0,
    )
    kinds["audio-large: final best, and a training of a point"] = (
        lambda rng, shape: search(rng, shape) - training(rng, shape),
        mean,
    )
    for name, (draw, truth) in kinds.items():
        rates = []
        for n in (6, 10, 20, 40):
            rng = np.random.default_rng([7, n])
            families = ((draw(rng, (3, n)) - truth, seed) for seed in range(studies))
            rates.append(share(any(shown_sides(list(family), BOOTSTRAP.confidence, seed)) for family, seed in families))
        yield name, rates


def _resampled(population: Floats) -> Draw:
    return lambda rng, shape: rng.choice(population, shape)


def covers(interval: Estimate, truth: float) -> bool:
    """Whether an interval contains the truth."""
    return interval.low <= truth <= interval.high


def alternative_statistics(studies: int) -> Iterator[Row]:
    """Of the supplementary intervals, at n = 20."""
    level, rng = BOOTSTRAP.confidence, np.random.default_rng(4)
    repeat = range(studies)
    kinds: tuple[Draw, ...] = (normal, exponential, student)
    middle = [float(stats.trim_mean(draw(rng, (MANY,)), 0.25)) for draw in kinds]

    def iqm(draw: Draw) -> Estimate:
        curve = iqm_curve(draw(rng, (N, 1)), BOOTSTRAP)
        return Estimate(float(curve.iqm[0]), float(curve.low[0]), float(curve.high[0]))

    yield (
        "interquartile mean: normal; exponential; t(3)",
        [share(covers(iqm(draw), truth) for _ in repeat) for draw, truth in zip(kinds, middle, strict=True)],
    )

    def shift_of(values: Floats) -> Estimate:
        found = shift(values, level)
        return Estimate(found.estimate, found.low, found.high)

    pseudo_median = float(np.median((two_exponentials(rng, (MANY,)) + two_exponentials(rng, (MANY,))) / 2))
    draws = ((normal, 0.0), (student, 0.0), (two_exponentials, pseudo_median))
    yield (
        "Hodges-Lehmann shift: normal; t(3); two exponentials",
        [share(covers(shift_of(draw(rng, (N,))), truth) for _ in repeat) for draw, truth in draws],
    )
    yield (
        "Hodges-Lehmann shift: normal, rounded to half an SD",
        [share(covers(shift_of(np.round(2 * normal(rng, (N,))) / 2), 0.0) for _ in repeat)],
    )

    def welch(r: float) -> bool:
        pairs = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], size=N)
        found = unpaired(pairs[:, 0], pairs[:, 1], level)
        return found.low <= 0 <= found.high

    yield "Welch: correlation 0; 0.5; -0.4", [share(welch(r) for _ in repeat) for r in (0.0, 0.5, -0.4)]

    def wins(shares: tuple[float, float, float]) -> bool:
        side = rng.choice((1.0, 0.0, -1.0), size=N, p=shares)
        return covers(win_share(side, np.zeros(N), GOAL, level), shares[0] + shares[1] / 2)

    thirds = (1 / 3, 1 / 3, 1 / 3)
    probabilities = ((0.5, 0.0, 0.5), (0.8, 0.0, 0.2), (0.95, 0.0, 0.05), thirds)
    yield "win share: P = 0.5; 0.8; 0.95; a third of ties", [share(wins(p) for _ in repeat) for p in probabilities]
    yield (
        "unpaired P(A > B): P = 0.50; 0.76; 0.92",
        [
            share(
                covers(improvement(normal(rng, (N,)) + d, normal(rng, (N,)), GOAL, BOOTSTRAP), float(stats.norm.cdf(d / 2**0.5)))
                for _ in repeat
            )
            for d in (0.0, 1.0, 2.0)
        ],
    )
    yield from _times(rng, repeat)
    for side in ("lower", "upper"):
        covered = []
        for draw, truth in ((normal, 0.0), (exponential, 1.0)):
            bounds = [one_sided(draw(rng, (N,)), BOOTSTRAP) for _ in repeat]
            covered.append(share(bound.lower < truth if side == "lower" else bound.upper > truth for bound in bounds))
        yield f"one-sided {side} bound: normal; exponential", covered
    deviations = []
    for values, truth in (
        (normal(rng, (N, studies)), 1.0),
        (exponential(rng, (N, studies)), 1.0),
        (rng.random((N, studies)), 12**-0.5),
    ):
        ends = [sd_interval(float(sd), N, level) for sd in values.std(axis=0, ddof=1)]
        deviations.append(share(low <= truth <= high for low, high in ends))
    yield "SD (chi-square): normal; exponential; uniform", deviations
    yield from _scores(rng, repeat)


def _times(rng: np.random.Generator, repeat: range) -> Iterator[Row]:
    def mean(p: float) -> float:
        return float((1 - (1 - p) ** TRIALS) / p)

    def times(p: float) -> tuple[Floats, Bools]:
        trials = rng.geometric(p, size=N)
        return np.minimum(trials, TRIALS).astype(np.float64), trials <= TRIALS

    ratios = [mean(p) / mean(0.1) for p in (0.1, 0.065, 0.03)]
    yield (
        f"ratio of restricted means: ratio {'; '.join(f'{ratio:.2f}' for ratio in ratios)}",
        [
            share(covers(mean_ratio(times(p)[0], times(0.1)[0], BOOTSTRAP), truth) for _ in repeat)
            for p, truth in zip((0.1, 0.065, 0.03), ratios, strict=True)
        ],
    )
    yield (
        "average runtime: success per trial 0.10; 0.05; 0.03",
        [share(covers(average_runtime(*times(p), BOOTSTRAP), 1 / p) for _ in repeat) for p in (0.1, 0.05, 0.03)],
    )
    yield (
        "ratio of average runtimes: ratio 1; 2; 3",
        [share(covers(runtime_ratio(*times(0.12 / k), *times(0.12), BOOTSTRAP), k) for _ in repeat) for k in (1, 2, 3)],
    )


def _scores(rng: np.random.Generator, repeat: range) -> Iterator[Row]:
    scale = Scale(0.5, 1.0)

    def best(b: float, n: int = N) -> Floats:
        return np.maximum.accumulate(rng.beta(2, b, size=(n, TRIALS)), axis=1)

    truth = {}
    for b in (2.0, 3.0):
        curves = best(b, 40_000)
        truth[b] = [float(values.mean()) for values in (attained(curves, scale), progress(curves, scale), curves)]
    found = [anytime(best(2), scale, BOOTSTRAP) for _ in repeat]
    yield (
        "ECDF area; score: one view",
        [share(covers(one.ecdf_area, truth[2.0][0]) for one in found), share(covers(one.score, truth[2.0][1]) for one in found)],
    )
    pairs = [anytime_difference(best(2), best(3), scale, BOOTSTRAP.confidence) for _ in repeat]
    expected = [a - b for a, b in zip(truth[2.0], truth[3.0], strict=True)]
    rows = zip(("ecdf_area", "score", "metric"), expected, strict=True)
    yield (
        "ECDF area; score; metric: difference",
        [share(covers(getattr(one, key), value) for one in pairs) for key, value in rows],
    )


def expected_best(studies: int) -> Iterator[Row]:
    """Of the expected best of 1, 5 and 25 random trials."""
    for name in ("uniform", "exponential"):
        for n in (20, 5):
            rng, low, high = np.random.default_rng([5, n]), [], []
            for _ in range(studies):
                values = rng.random((n, TRIALS)) if name == "uniform" else exponential(rng, (n, TRIALS))
                curve = expected_curve(values, GOAL, BOOTSTRAP)
                low.append(curve.low)
                high.append(curve.high)
            trials = np.arange(1, TRIALS + 1)
            truth = trials / (trials + 1) if name == "uniform" else np.cumsum(1 / trials)
            inside = ((np.array(low) <= truth) & (truth <= np.array(high))).mean(axis=0)
            yield f"{name} | {n}", [100 * float(inside[number - 1]) for number in (1, 5, 25)]


TABLES = {table.__name__: table for table in (means, bands, equivalence, claims, controls, alternative_statistics, expected_best)}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--only", choices=tuple(TABLES))
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else TABLES:
        print(f"\n{name}: {TABLES[name].__doc__}", flush=True)
        for label, values in TABLES[name](arguments.studies):
            print(f"| {label} | {' | '.join(f'{value:.1f}' for value in values)} |", flush=True)


if __name__ == "__main__":
    main()
