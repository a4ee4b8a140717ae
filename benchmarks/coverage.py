"""Coverage of the report's intervals, and rate of its wrong verdicts: simulated studies with known truth.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py --studies 1000

prints the tables of docs/reference/statistics.md; `--only endpoints` prints those of the declared endpoints. A study
has two views and 25 trials a search; a trial is an independent draw. View A is shifted by 0.2 for the coverage, and not shifted for wrong
verdicts. The truths are means over 400,000 searches, of endpoints over 100,000. Everything is seeded.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import numpy as np

from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.comparisons.budgets import budget_difference, difference_curve, view_budget
from hpstudy.analysis.comparisons.curve_distance import distance_at_budget
from hpstudy.analysis.comparisons.family import with_verdicts
from hpstudy.analysis.comparisons.margin import verdict
from hpstudy.analysis.confirmed.comparison import measurement
from hpstudy.analysis.confirmed.endpoints import Curves, declared_results
from hpstudy.analysis.confirmed.measure import EndpointInputs, endpoint_values
from hpstudy.analysis.endpoints import Endpoints
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.crossed import crossed_mean
from hpstudy.analysis.statistics.permutation import sign_flip
from hpstudy.analysis.statistics.survival import Times, kaplan_meier, log_rank, wilson
from hpstudy.analysis.targets.average_runtime import mean_ratio
from hpstudy.analysis.targets.trials_to_target import level_of, trials_difference
from hpstudy.goal import Goal
from hpstudy.study.declaration import Endpoint, Plateaus
from hpstudy.study.schema import Study

TRIALS, BUDGETS, SEEDS, FRESH, SHIFT = 25, (5, 10, 25), 5, 8, 0.2
SIZES, EDGE_SIZES, ENDPOINT_SIZES = (20, 10, 5), (20, 29, 40), (40, 20, 10, 5)
GOAL = Goal.MAXIMIZE
BOOTSTRAP = Bootstrap(seed=1, resamples=1000, confidence=0.95)
Draw = Callable[[np.random.Generator, int], Floats]
Interval = tuple[str, float, float, float]
"""What it is of, its lower end, the truth, its upper end."""


def normal(rng: np.random.Generator, n: int) -> Floats:
    """Trials from N(0, 1)."""
    return rng.normal(size=(n, TRIALS))


def stuck(rng: np.random.Generator, n: int) -> Floats:
    """The same, but a tenth of the searches is 4 below."""
    return normal(rng, n) - 4.0 * (rng.random((n, 1)) < 0.1)


def discrete(rng: np.random.Generator, n: int) -> Floats:
    """Trials from N(0, 1) in steps of a half."""
    return np.round(2 * normal(rng, n)) / 2


def heavy(rng: np.random.Generator, n: int) -> Floats:
    """Trials from N(0, 1) around a level of the search from Student's t with 3 degrees of freedom, halved."""
    return normal(rng, n) + rng.standard_t(3, size=(n, 1)) / 2


KINDS: Mapping[str, tuple[Draw, Draw]] = {
    "normal": (normal, normal),
    "skewed": (stuck, stuck),
    "discrete": (discrete, discrete),
    "heavy tails": (heavy, heavy),
    "A stuck": (stuck, normal),
}
"""Views A and B."""


def best(draw: Draw, rng: np.random.Generator, n: int) -> Floats:
    """(n x trials) best so far."""
    return np.maximum.accumulate(draw(rng, n), axis=1)


def restricted(curves: Floats, level: float) -> Floats:
    """(searches,) min(trials-to-target, trials)."""
    hit = curves >= level
    return np.where(hit.any(axis=1), hit.argmax(axis=1) + 1.0, TRIALS)


class Truth:
    """Means of 400,000 searches of both views, A shifted."""

    def __init__(self, a: Draw, b: Draw) -> None:
        rng = np.random.default_rng(0)
        of_a = np.concatenate([best(a, rng, 40_000) for _ in range(10)]) + SHIFT
        of_b = np.concatenate([best(b, rng, 40_000) for _ in range(10)])
        self.mean_a, self.mean_b = of_a.mean(axis=0), of_b.mean(axis=0)
        self.level, self.median = float(np.quantile(of_b[:, -1], 0.4)), float(np.median(of_b[:, -1]))
        self.given = [float(restricted(curves, self.level).mean()) for curves in (of_a, of_b)]
        self.at_median = float(restricted(of_a, self.median).mean() - restricted(of_b, self.median).mean())
        self.share, self.after_10 = float((of_b[:, -1] >= self.level).mean()), float((of_b[:, 9] < self.level).mean())


def intervals(a: Floats, b: Floats, fresh: Floats, truth: Truth) -> Iterator[Interval]:
    """Every principal interval of one study; `fresh` is (searches x seeds) of view B."""
    n = len(a)
    view = view_budget(b, TRIALS, BOOTSTRAP)
    yield "mean of a view (BCa)", view.low, truth.mean_b[-1], view.high
    differences = truth.mean_a - truth.mean_b
    last = budget_difference(a, b, TRIALS, GOAL, BOOTSTRAP, seed=0)
    yield "difference of the final best (t)", last.low, differences[-1], last.high
    band = difference_curve(a, b, BOOTSTRAP).band
    assert band is not None, "several replicates"
    outside = np.maximum(band.low - differences, differences - band.high).max()
    yield "simultaneous band, all 25 trials", -np.inf, outside, 0.0
    given = trials_difference(a, b, truth.level, GOAL, BOOTSTRAP, seed=0)
    of_a, of_b = truth.given
    yield "difference of trials-to-target, declared target (t)", given.low, of_a - of_b, given.high
    ratio = mean_ratio(given.trials_a, given.trials_b, BOOTSTRAP)
    yield "ratio of trials-to-target", ratio.low, of_a / of_b, ratio.high
    level = level_of(b[:, -1], "b", "median_final").value
    assert level is not None, "finite values"
    own = trials_difference(a, b, level, GOAL, BOOTSTRAP, seed=0, finals=b[:, -1], statistic="median_final")
    yield "the difference, median target taken as given (t)", own.low, truth.at_median, own.high
    yield "the difference, median target resampled", own.resampled_low, truth.at_median, own.resampled_high
    distance = distance_at_budget(a, b, 5, GOAL, BOOTSTRAP)
    apart = float((truth.mean_a < truth.mean_b[4]).sum() + 1 - 5)
    yield "horizontal distance at B's mean after 5", distance.low, apart, distance.high
    reached = b[:, -1] >= truth.level
    low, high = wilson(int(reached.sum()), n, 0.95)
    yield "share that reaches the target (Wilson)", low, truth.share, high
    curve = kaplan_meier(Times(restricted(b, truth.level).astype(np.int64), reached), TRIALS, 0.95)
    yield "Kaplan-Meier share after 10 trials", curve.low[9], truth.after_10, curve.high[9]
    confirmed = crossed_mean(fresh, 0.95)
    yield "mean on 5 fresh seeds (crossed)", confirmed.low, truth.mean_b[0], confirmed.high


def coverage(kind: str, n: int, studies: int) -> dict[str, float]:
    """Share of the intervals that hold the truth; intervals without ends do not count."""
    (draw_a, draw_b), rng = KINDS[kind], np.random.default_rng([n, 1])
    truth, held, counted = Truth(draw_a, draw_b), Counter[str](), Counter[str]()
    for _ in range(studies):
        fresh = draw_b(rng, n)[:, :1] + 0.5 * rng.normal(size=SEEDS) + rng.normal(size=(n, SEEDS))
        for name, low, value, high in intervals(best(draw_a, rng, n) + SHIFT, best(draw_b, rng, n), fresh, truth):
            counted[name] += not np.isnan(low)
            held[name] += low <= value <= high
    return {name: held[name] / counted[name] for name in counted}


def study_of(n: int) -> Study:
    """A study with a margin and three budgets."""
    return Study.model_validate(
        {
            "name": "simulated",
            "task": {"use": "branin"},
            "metric": {"name": "score", "goal": "maximize"},
            "views": {name: {"space": {"x": {"type": "float", "low": 0, "high": 1}}} for name in "ab"},
            "search": {"trials": TRIALS},
            "replicates": n,
            "analysis": {"resamples": BOOTSTRAP.resamples, "budgets": list(BUDGETS), "margin": 0.01},
        }
    )


def wrong_words(kind: str, n: int, studies: int) -> dict[str, float]:
    """Share of the studies of equal views in which the report says that they differ."""
    (draw, _), rng, found = KINDS[kind], np.random.default_rng([n, 2]), Counter[str]()
    endpoints = Endpoints(study_of(n), 0, BUDGETS, None, float("nan"))
    for _ in range(studies):
        a, b = best(draw, rng, n), best(draw, rng, n)
        level = float(np.median(b[:, -1]))
        budgets = tuple(budget_difference(a, b, budget, GOAL, BOOTSTRAP, seed=0) for budget in BUDGETS)
        trials = trials_difference(a, b, level, GOAL, BOOTSTRAP, seed=0)
        (pair,) = with_verdicts([PairResult("a", "b", np.arange(n), None, budgets, trials, ())], endpoints)
        assert pair.trials is not None, "given above"
        found["superior or inferior at any of 3 budgets"] += any(
            each.verdict in ("superior", "inferior") for each in pair.budgets
        )
        found["an interval without 0 at any of 3 budgets"] += any(each.low > 0 or each.high < 0 for each in pair.budgets)
        found["needs more or fewer trials"] += bool(pair.trials.shown)
        times = [Times(restricted(x, level).astype(np.int64), x[:, -1] >= level) for x in (a, b)]
        found["log-rank p < 0.05"] += log_rank(*times) < 0.05
    return {name: count / studies for name, count in found.items()}


def at_the_edge(kind: str, n: int, studies: int) -> dict[str, float]:
    """Share of the studies that call A equivalent or non-inferior, whose mean is a margin, one SD of the differences, below B's."""
    (draw_a, draw_b), rng, found = KINDS[kind], np.random.default_rng([n, 3]), Counter[str]()
    sample = np.random.default_rng(0)
    d = np.concatenate([(best(draw_a, sample, 40_000) - best(draw_b, sample, 40_000))[:, -1] for _ in range(10)])
    margin = float(d.std())
    for _ in range(studies):
        gain = (best(draw_a, rng, n) - best(draw_b, rng, n))[:, -1] - d.mean() - margin
        found[verdict(gain, margin, sign_flip(gain, 0).p, BOOTSTRAP)] += 1
    return {"equivalent or non-inferior": (found["equivalent"] + found["non-inferior"]) / studies}


def confirmed(draw: Draw, rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """(n x trials) confirmed curves on 8 fresh seeds, and best observed values; a draw is a point's true value, noise of SD 1 is added."""
    true = draw(rng, n)
    observed = true + rng.normal(size=true.shape)
    record = observed == np.maximum.accumulate(observed, axis=1)
    latest = np.maximum.accumulate(np.where(record, np.arange(TRIALS), 0), axis=1)
    fresh = true + rng.normal(size=true.shape) / np.sqrt(FRESH)
    return np.take_along_axis(fresh, latest, axis=1), np.maximum.accumulate(observed, axis=1)


ENDPOINTS = (
    {"use": "confirmed_regret"},
    {"use": "confirmed_regret", "plateau": "best", "co_primary": True},
    {"use": "trials_to_within", "deltas": [0.5]},
    {"use": "final"},
    {"use": "trials_to_target"},
)
"""Two primary and three secondary endpoints, as in the main study."""


class ConfirmedTruth:
    """The means of the endpoints over 100,000 searches of both views, A shifted, against plateaus that are known."""

    def __init__(self, a: Draw, b: Draw, shift: float) -> None:
        rng = np.random.default_rng(0)
        parts = [(confirmed(a, rng, 20_000), confirmed(b, rng, 20_000)) for _ in range(5)]
        of_a, of_b = (np.concatenate([part[view][0] for part in parts]) for view in (0, 1))
        of_a += shift
        self.plateaus = Plateaus(values={"a": float(of_a[:, -1].mean()), "b": float(of_b[:, -1].mean())}, source="the truth")
        self.level = float(np.median(np.concatenate([part[1][1][:, -1] for part in parts])))
        given = EndpointInputs(GOAL, {"a": of_a, "b": of_b}, self.plateaus.values)
        self.differences = {}
        for declared in ENDPOINTS[:4]:
            endpoint = Endpoint.model_validate(declared)
            found = endpoint_values(endpoint, endpoint.deltas[0] if endpoint.deltas else None, given)
            self.differences[endpoint.use, endpoint.of_best_plateau] = float(found["a"].values.mean() - found["b"].values.mean())


confirmed_truth = cache(ConfirmedTruth)

NAMES = {
    ("confirmed_regret", False): "confirmed regret, own plateau",
    ("confirmed_regret", True): "confirmed regret, best plateau",
    ("trials_to_within", False): "trials to within 0.5 of the view's own plateau",
    ("final", False): "final confirmed value",
}


def endpoint_coverage(kind: str, n: int, studies: int) -> dict[str, float]:
    """Share of the intervals of declared endpoints that hold the truth, A shifted; with declared plateaus and those of other replicates."""
    (draw_a, draw_b), rng, held = KINDS[kind], np.random.default_rng([n, 4]), Counter[str]()
    truth = confirmed_truth(draw_a, draw_b, SHIFT)
    for _ in range(studies):
        curves = {"a": confirmed(draw_a, rng, n)[0] + SHIFT, "b": confirmed(draw_b, rng, n)[0]}
        for plateaus, source in ((truth.plateaus.values, "declared plateau"), (None, "plateau of the others")):
            for declared in ENDPOINTS[: 4 if plateaus else 3]:
                endpoint = Endpoint.model_validate(declared)
                delta = endpoint.deltas[0] if endpoint.deltas else None
                (pair,) = measurement(endpoint, delta, EndpointInputs(GOAL, curves, plateaus), [("a", "b")], 0.95).pairs
                key = endpoint.use, endpoint.of_best_plateau
                name = NAMES[key] + (f", {source}" if endpoint.has_plateau else "")
                held[name] += pair.estimate.low <= truth.differences[key] <= pair.estimate.high
    return {name: count / studies for name, count in held.items()}


def wrong_endpoint_words(kind: str, n: int, studies: int) -> dict[str, float]:
    """Share of the studies of equal views in which a declared endpoint shows a difference."""
    (draw, _), rng, found = KINDS[kind], np.random.default_rng([n, 5]), Counter[str]()
    truth = confirmed_truth(draw, draw, 0.0)
    study = study_of(n).model_dump(mode="json")
    study["confirm"] = {"seeds": FRESH, "incumbents": True}
    study["analysis"] |= {"endpoints": list(ENDPOINTS), "plateaus": truth.plateaus.model_dump(mode="json")}
    made, whole = Study.model_validate(study), np.ones(n, dtype=np.bool_)
    for _ in range(studies):
        (a, best_a), (b, best_b) = confirmed(draw, rng, n), confirmed(draw, rng, n)
        of_views = Curves({"a": a, "b": b}, whole), Curves({"a": best_a, "b": best_b}, whole)
        shown = [
            (one.primary, one.declared.pairs[0].shown) for one in declared_results(made, *of_views, truth.level) if one.declared
        ]
        found["a verdict about any of 2 primary endpoints"] += any(word for primary, word in shown if primary)
        found["a verdict about any of 3 secondary endpoints"] += any(word for primary, word in shown if not primary)
    return {name: count / studies for name, count in found.items()}


def print_table(rows: Mapping[str, dict[tuple[str, int], float]]) -> None:
    """A Markdown table with a column for each kind and sizes in the cells, in per cent."""
    kinds = list(dict.fromkeys(kind for cells in rows.values() for kind, _ in cells))
    sizes = list(dict.fromkeys(n for cells in rows.values() for _, n in cells))
    print(f"\n| n = {', '.join(map(str, sizes))} | {' | '.join(kinds)} |\n|{'---|' * (len(kinds) + 1)}")
    for name, cells in rows.items():
        shown = (" / ".join(f"{100 * cells[kind, n]:.1f}" if (kind, n) in cells else "" for n in sizes) for kind in kinds)
        print(f"| {name} | {' | '.join(shown)} |", flush=True)


def main() -> None:
    """Simulate, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--only", choices=("endpoints",))
    asked = parser.parse_args()
    studies = asked.studies
    error = 100 * (0.05 * 0.95 / studies) ** 0.5
    print(f"{studies} studies each; standard error {error:.1f} points at 5 and 95%")
    equal = tuple(kind for kind, (a, b) in KINDS.items() if a is b)
    of_endpoints = ((wrong_endpoint_words, equal, ENDPOINT_SIZES), (endpoint_coverage, tuple(KINDS), ENDPOINT_SIZES))
    others = ((wrong_words, equal, SIZES), (at_the_edge, tuple(KINDS), EDGE_SIZES), (coverage, tuple(KINDS), SIZES))
    for measure, kinds, sizes in of_endpoints if asked.only else (*others, *of_endpoints):
        rows: dict[str, dict[tuple[str, int], float]] = {}
        for kind in kinds:
            for n in sizes:
                for name, share in measure(kind, n, studies).items():
                    rows.setdefault(name, {})[kind, n] = share
        print_table(rows)


if __name__ == "__main__":
    main()
