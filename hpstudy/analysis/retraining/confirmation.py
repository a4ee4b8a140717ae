"""What searches chose, on fresh seeds: its worth, the bias of its tuning score, and the noise of training.

Every chosen point (the incumbent of a search) and every view's default point is trained on the same K fresh seeds: an array of (searches x
seeds) per view and metric, crossed, with common random numbers in every column.

References: Cawley and Talbot (2010), On over-fitting in model selection and subsequent selection bias in performance evaluation, JMLR 11
(the gap). Bouthillier et al. (2021), Accounting for variance in machine learning benchmarks, MLSys 3 (noise against differences). Probst
et al. (2019), Tunability, JMLR 20 (tuned minus default). Searle, Casella and McCulloch (1992), Variance Components, chapter 4 (method of
moments). Satterthwaite (1946), Biometrics Bulletin 2 (degrees of freedom of a sum of mean squares).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from hpstudy.analysis.arrays import Floats, Ints
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.estimate import mean_of
from hpstudy.analysis.sweeps.points import summary
from hpstudy.analysis.trials.searches import Searches
from hpstudy.goal import Goal


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval.

    Attributes:
        value: the mean.
        low, high: its interval; NaN where there is too little to tell.
        n: searches, replicates or seeds behind it.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Components:
    """Where differences between trainings come from, as variances in the metric's unit squared; NaN with too little data.

    Attributes:
        between: between searches: they chose points of different worth. 0 where the estimate is negative.
        noise: of training: the same point on different seeds.
        shared: the part of `noise` that all points of the view share on a seed; it cancels in differences on the same seeds.
    """

    between: float
    noise: float
    shared: float

    @property
    def floor(self) -> float:
        """The noise floor: standard deviation of the training noise, in the metric's unit."""
        return float(np.sqrt(self.noise))


@dataclass(frozen=True)
class Retrained:
    """The trainings of one view on fresh seeds.

    Attributes:
        view: the view's name.
        replicates: (n,) whose searches are confirmed.
        tuning: (n,) objective of each incumbent in its search.
        scores: for each metric (n x seeds) values of the incumbents; NaN for a training without a value.
        default: for each metric (seeds,) values of the default point.
        lost: trainings that ended without a value.
    """

    view: str
    replicates: Ints
    tuning: Floats
    scores: Mapping[str, Floats]
    default: Mapping[str, Floats]
    lost: int


@dataclass(frozen=True)
class ConfirmedMetric:
    """One metric of one view on fresh seeds.

    Attributes:
        metric: its name.
        tuned: mean of the incumbents, with a BCa interval over searches (for these seeds).
        default: mean of the default point, with a t interval over seeds; None without a value.
        gain: tuned minus default on the same seeds, over searches and seeds; None without seeds in common.
        components: of the incumbents' variance.
    """

    metric: str
    tuned: Estimate
    default: Estimate | None
    gain: Estimate | None
    components: Components


@dataclass(frozen=True)
class ConfirmedView:
    """One view on fresh seeds.

    Attributes:
        data: its trainings.
        metrics: the objective, then the test metric where there is one.
        gap: tuning score minus mean score on fresh seeds, of the objective: how much selection flatters. Its interval is over searches
            and seeds; over searches alone with a single seed, or where a training has no value.
    """

    data: Retrained
    metrics: tuple[ConfirmedMetric, ...]
    gap: Estimate


@dataclass(frozen=True)
class PairedDifference:
    """A metric of A minus B on the same fresh seeds, paired by replicate.

    Attributes:
        metric: its name.
        mean: with a BCa interval over replicates.
        floor: noise floor of the two views together: root of the mean of their noise variances.
    """

    metric: str
    mean: Estimate
    floor: float

    @property
    def below_floor(self) -> bool:
        """Whether the difference is smaller than the noise of a single training."""
        return bool(abs(self.mean.value) < self.floor)


@dataclass(frozen=True)
class ConfirmedPair:
    """Two views compared on fresh seeds; `differences` follows the metrics of the confirmation."""

    a: str
    b: str
    differences: tuple[PairedDifference, ...]


@dataclass(frozen=True)
class Confirmation:
    """A study on fresh seeds.

    Attributes:
        metrics: the objective, then the test metric where there is one.
        seeds: fresh seeds.
        views: those with a confirmed search, in the order of the study.
        pairs: the declared comparisons with a replicate in common.
    """

    metrics: tuple[str, ...]
    seeds: int
    views: tuple[ConfirmedView, ...]
    pairs: tuple[ConfirmedPair, ...]


def confirmation(
    rows: Any,
    searches: Mapping[str, Searches],
    pairs: Sequence[tuple[str, str]],
    *,
    metric: str,
    goal: Goal,
    bootstrap: Bootstrap,
) -> Confirmation | None:
    """Analyse the trainings on fresh seeds; None when no incumbent has a value on one.

    `rows` is a DataFrame as `hpstudy.store.Reader.confirmations` gives it; every one of `pairs` is compared, A minus B.
    """
    test = test_metric([name.removeprefix("metric.") for name in rows.columns if name.startswith("metric.")], metric)
    metrics = (metric,) if test is None else (metric, test)
    trainings = [retrained(rows, block, metrics, goal) for block in searches.values()]
    views = {data.view: view_on_fresh_seeds(data, metrics, bootstrap) for data in trainings if len(data.replicates)}
    if not views:
        return None
    compared = [pair_on_fresh_seeds(views[a], views[b], bootstrap) for a, b in pairs if a in views and b in views]
    return Confirmation(
        metrics,
        max(view.data.scores[metric].shape[1] for view in views.values()),
        tuple(views.values()),
        tuple(pair for pair in compared if pair is not None),
    )


def test_metric(names: Sequence[str], objective: str) -> str | None:
    """The metric on data that no search has seen: test_accuracy, else the first one that begins with "test"; None without any."""
    tests = sorted(name for name in names if name.startswith("test") and name != objective)
    return "test_accuracy" if "test_accuracy" in tests else next(iter(tests), None)


def retrained(rows: Any, searches: Searches, metrics: Sequence[str], goal: Goal) -> Retrained:
    """The trainings of one view as arrays. What confirms a trial that is no longer its search's best is left out.

    `rows` is a DataFrame as `hpstudy.store.Reader.confirmations` gives it; the objective is the first of `metrics`.
    """
    own = rows[(rows["view"] == searches.view) & (rows["state"] != "running")]
    seeds = int(rows["seed_number"].max()) + 1 if len(rows) else 0
    filled = np.where(np.isnan(searches.values), -np.inf, goal.sign * searches.values)
    chosen = filled.argmax(axis=1)
    candidates = [int(r) for r in np.flatnonzero(searches.complete & np.isfinite(filled.max(axis=1)))]
    lost, kept = 0, {}
    default = _by_seed(own[own["replicate"].isna()], metrics, seeds)
    lost += int(own["replicate"].isna().sum() - np.isfinite(default[metrics[0]]).sum())
    for replicate in candidates:
        of = own[(own["replicate"] == replicate) & (own["number"] == chosen[replicate])]
        values = _by_seed(of, metrics, seeds)
        lost += int(len(of) - np.isfinite(values[metrics[0]]).sum())
        if np.isfinite(values[metrics[0]]).any():
            kept[replicate] = values
    replicates = np.array(list(kept), dtype=np.int64)
    scores = {name: np.array([values[name] for values in kept.values()]).reshape(len(kept), seeds) for name in metrics}
    return Retrained(searches.view, replicates, searches.values[replicates, chosen[replicates]], scores, default, lost)


def _by_seed(rows: Any, metrics: Sequence[str], seeds: int) -> dict[str, Floats]:
    """(seeds,) values of each metric; the first metric is the objective."""
    values = {}
    completed = rows[rows["state"] == "completed"]
    for name in metrics:
        column = "objective" if name == metrics[0] else f"metric.{name}"
        values[name] = np.full(seeds, np.nan)
        recorded = completed[column].to_numpy(dtype=np.float64)
        values[name][completed["seed_number"].to_numpy(dtype=np.int64)] = np.where(np.isfinite(recorded), recorded, np.nan)
    return values


def view_on_fresh_seeds(data: Retrained, metrics: Sequence[str], bootstrap: Bootstrap) -> ConfirmedView:
    """One view's statistics; every search has an objective on some seed, and the objective is the first of `metrics`."""
    confirmed = []
    for name in metrics:
        values, default = data.scores[name], data.default[name]
        known = default[~np.isnan(default)]
        confirmed.append(
            ConfirmedMetric(
                name,
                over_searches(_row_means(values), bootstrap),
                over_seeds(known, bootstrap.confidence) if known.size else None,
                gain(values, default, bootstrap.confidence),
                components(values),
            )
        )
    gaps = data.tuning[:, None] - data.scores[metrics[0]]
    if min(gaps.shape) > 1 and not np.isnan(gaps).any():
        gap = crossed_mean(gaps, bootstrap.confidence)
    else:
        gap = over_searches(_row_means(gaps), bootstrap)
    return ConfirmedView(data, tuple(confirmed), gap)


def pair_on_fresh_seeds(a: ConfirmedView, b: ConfirmedView, bootstrap: Bootstrap) -> ConfirmedPair | None:
    """A minus B on the seeds on which both have a value, replicate by replicate; None without a replicate in common."""
    _, of_a, of_b = np.intersect1d(a.data.replicates, b.data.replicates, return_indices=True)
    differences = []
    for left, right in zip(a.metrics, b.metrics, strict=True):
        difference = _row_means(a.data.scores[left.metric][of_a] - b.data.scores[left.metric][of_b])
        floor = float(np.sqrt((left.components.noise + right.components.noise) / 2))
        differences.append(PairedDifference(left.metric, over_searches(difference, bootstrap), floor))
    return ConfirmedPair(a.data.view, b.data.view, tuple(differences)) if differences[0].mean.n else None


def over_searches(values: Floats, bootstrap: Bootstrap) -> Estimate:
    """Mean of (searches,) values, NaN left out, with a BCa interval over searches; the seeds are taken as given."""
    known = values[~np.isnan(values)]
    mean = mean_of(known, bootstrap)
    return Estimate(mean.value, mean.low, mean.high, known.size)


def over_seeds(values: Floats, confidence: float) -> Estimate:
    """Mean of (seeds,) values, at least one and no NaN, with Student's t interval."""
    means = summary(values[:, None], confidence)
    return Estimate(float(means.mean[0]), float(means.low[0]), float(means.high[0]), values.size)


def gain(values: Floats, default: Floats, confidence: float) -> Estimate | None:
    """Tuned (searches x seeds) minus default (seeds,) on the same seeds, over searches and over seeds.

    Only seeds on which the default point has a value count, and searches that have a value on all of those; None when nothing
    remains.
    """
    seeds = ~np.isnan(default)
    crossed = values[:, seeds] - default[seeds]
    crossed = crossed[~np.isnan(crossed).any(axis=1)]
    return crossed_mean(crossed, confidence) if crossed.size else None


def crossed_mean(values: Floats, confidence: float) -> Estimate:
    """Mean of a crossed array (searches x seeds) without NaN, with an interval that counts rows and columns as samples.

    Of x_rk = mu + a_r + b_k + e_rk the mean has the variance var(a) / R + var(b) / K + var(e) / (R K), estimated from the mean
    squares as (MS_a + MS_b - MS_e) / (R K), each component at least 0; Student's t with Satterthwaite's degrees of freedom. The
    ends are NaN with fewer than 2 searches or 2 seeds.
    """
    rows, columns = values.shape
    mean = float(values.mean())
    if rows < 2 or columns < 2:
        return Estimate(mean, np.nan, np.nan, rows)
    squares, degrees = _mean_squares(values), (rows - 1, columns - 1, (rows - 1) * (columns - 1))
    of_rows, of_columns, rest = squares
    # A component below 0 counts as 0: its mean square and the residual's then drop out together.
    if of_rows <= rest and of_columns <= rest:
        used = (0.0, 0.0, rest)
    elif of_columns <= rest:
        used = (of_rows, 0.0, 0.0)
    elif of_rows <= rest:
        used = (0.0, of_columns, 0.0)
    else:
        used = (of_rows, of_columns, -rest)
    total = sum(used)
    if total <= 0:
        return Estimate(mean, mean, mean, rows)
    freedom = total**2 / sum(term**2 / df for term, df in zip(used, degrees, strict=True))
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * float(np.sqrt(total / values.size))
    return Estimate(mean, mean - half, mean + half, rows)


def components(values: Floats) -> Components:
    """Variance components of a view's (searches x seeds) trainings by the method of moments; NaN is a training without a value.

    Of x_rk = mu + a_r + b_k + e_rk, a search, a seed and the rest: noise = var(b) + var(e), the mean square within searches of a
    one-way layout, whatever is missing. Differs from the one-way estimate of the variance between searches, which counts
    var(b) / K against the searches although all of them share it: between = (MS_rows - MS_residual) / K and shared = var(b) =
    (MS_columns - MS_residual) / R come from the two-way layout of the searches that have every seed, each at least 0.
    """
    present = ~np.isnan(values)
    kept = values[present.any(axis=1)]
    freedom = int(present.sum()) - len(kept)
    if freedom < 1:
        return Components(np.nan, np.nan, np.nan)
    noise = float(np.nansum((kept - _row_means(kept)[:, None]) ** 2)) / freedom
    crossed = values[present.all(axis=1)]
    if min(crossed.shape) < 2:
        return Components(np.nan, noise, np.nan)
    of_rows, of_columns, rest = _mean_squares(crossed)
    between, shared = (of_rows - rest) / crossed.shape[1], (of_columns - rest) / crossed.shape[0]
    return Components(max(between, 0.0), noise, min(max(shared, 0.0), noise))


def _mean_squares(values: Floats) -> tuple[float, float, float]:
    """Mean squares of rows, columns and the residual of a crossed array with at least 2 of both."""
    rows, columns = values.shape
    mean = values.mean()
    of_rows, of_columns = values.mean(axis=1), values.mean(axis=0)
    rest = values - of_rows[:, None] - of_columns[None, :] + mean
    return (
        columns * float(((of_rows - mean) ** 2).sum()) / (rows - 1),
        rows * float(((of_columns - mean) ** 2).sum()) / (columns - 1),
        float((rest**2).sum()) / ((rows - 1) * (columns - 1)),
    )


def _row_means(values: Floats) -> Floats:
    """(rows,) means of what each row has; NaN for a row without a value."""
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    sums = np.where(present, values, 0.0).sum(axis=1)
    return np.asarray(np.where(count > 0, sums / np.maximum(count, 1), np.nan), dtype=np.float64)
