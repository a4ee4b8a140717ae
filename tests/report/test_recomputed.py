"""Numbers of committed reports, computed again from the rows of their databases with numpy and scipy alone.

`test_committed` shows that a report is what the code computes; these tests show that the code computes what its statistics are defined as.
"""

import json
from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

import hpstudy

REPORTS = Path(__file__).parents[2] / "reports"
TRIALS = 25


class Rows:
    """The rows of one database as arrays, and its committed report."""

    def __init__(self, name):
        with hpstudy.open(REPORTS / f"{name}.sqlite") as reader:
            self.trials, self.fresh, study = reader.trials(), reader.confirmations(), reader.study
        self.report = json.loads((REPORTS / f"{name}.json").read_text())
        self.replicates, self.seeds = study.replicates, study.confirm.seeds
        self.level = self.report["target"]["value"]

    def values(self, view):
        """(replicates x trials) observed values."""
        rows = self.trials[self.trials["view"] == view]
        return rows.pivot(index="replicate", columns="number", values="objective").to_numpy()

    def best(self, view):
        return np.maximum.accumulate(self.values(view), axis=1)

    def chosen(self, view, metric="objective"):
        """(searches x seeds) values of the best trial of every search on fresh seeds."""
        rows = self.fresh[(self.fresh["view"] == view) & self.fresh["replicate"].notna()]
        rows = rows[rows["number"] == self.values(view).argmax(axis=1)[rows["replicate"].astype(int)]]
        return rows.pivot(index="replicate", columns="seed_number", values=metric).to_numpy()

    def default(self, view):
        """(seeds,) values of the default point."""
        rows = self.fresh[(self.fresh["view"] == view) & self.fresh["replicate"].isna()]
        return rows.sort_values("seed_number")["objective"].to_numpy()

    def times(self, view):
        """(replicates,) trials to the target, and whether it is reached."""
        reached = self.best(view) >= self.level
        return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, TRIALS), reached.any(axis=1)

    def confirmed(self, view):
        return next(one for one in self.report["confirmation"]["views"] if one["data"]["view"] == view)


@pytest.fixture(scope="module", params=["audio_fsdd", "audio_fsdd-large"])
def rows(request):
    """A study whose fresh seeds are common to all searches, and one with seeds of each replicate."""
    return Rows(request.param)


def ends(estimate):
    return estimate["value"], estimate["low"], estimate["high"]


def t_interval(values, confidence=0.95):
    interval = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    return values.mean(), interval.low, interval.high


def wilson(successes, n, confidence):
    interval = stats.binomtest(round(successes), n).proportion_ci(confidence, method="wilson")
    return interval.low, interval.high


def mean_squares(values):
    """Of rows, of columns and of the residual, with their degrees of freedom."""
    rows, columns = values.shape
    effects = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    residual = values - effects[0] - effects[1] + values.mean()
    squares = columns * effects[0].var(ddof=1), rows * effects[1].var(ddof=1), (residual**2).sum() / ((rows - 1) * (columns - 1))
    return squares, (rows - 1, columns - 1, (rows - 1) * (columns - 1))


@pytest.mark.parametrize("view", ["latent", "filter"])
def test_variance_components_are_those_of_the_layout(rows, view):
    values, reported = rows.chosen(view), rows.confirmed(view)["metrics"][0]["components"]
    within = values.var(axis=1, ddof=1).mean()
    assert reported["noise"] == pytest.approx(within)
    if reported["shared"] is None:  # one-way
        between = (rows.seeds * values.mean(axis=1).var(ddof=1) - within) / rows.seeds
    else:
        (of_rows, of_columns, residual), _ = mean_squares(values)
        between = (of_rows - residual) / rows.seeds
        assert reported["shared"] == pytest.approx((of_columns - residual) / rows.replicates)
    assert reported["between"] == pytest.approx(between)


@pytest.mark.parametrize("view", ["latent", "filter"])
def test_tuned_minus_default_counts_searches_and_seeds(rows, view):
    gains = rows.chosen(view) - rows.default(view)
    squares, freedom = mean_squares(gains)
    terms = np.array([squares[0], squares[1], -squares[2]])
    if squares[0] < squares[2]:
        terms = np.array([0, squares[1], 0])
    elif squares[1] < squares[2]:
        terms = np.array([squares[0], 0, 0])
    half = stats.t.ppf(0.975, terms.sum() ** 2 / (terms**2 / freedom).sum()) * np.sqrt(terms.sum() / gains.size)
    expected = gains.mean(), gains.mean() - half, gains.mean() + half
    assert ends(rows.confirmed(view)["metrics"][0]["gain"]) == pytest.approx(expected)


@pytest.mark.parametrize("view", ["latent", "filter"])
def test_the_risk_of_tuning_spans_the_intervals_at_both_ends_of_the_default(view):
    rows = Rows("audio_fsdd-large")
    finals, (mean, low, high) = rows.chosen(view).mean(axis=1), t_interval(rows.default(view), 0.975)
    intervals = [wilson((finals < end).sum(), rows.replicates, 0.975) for end in (low, high)]
    expected = (finals < mean).mean(), min(low for low, _ in intervals), max(high for _, high in intervals)
    assert ends(rows.confirmed(view)["below_default"]) == pytest.approx(expected, abs=1e-12)


def test_the_kaplan_meier_curve_is_that_of_scipy(rows):
    for view in rows.report["views"]:
        trials, reached = rows.times(view["name"])
        if not reached.any():
            continue
        fitted = stats.ecdf(stats.CensoredData(trials[reached], right=trials[~reached])).sf
        survival, at = view["trials"]["survival"], np.arange(1, TRIALS + 1)
        assert survival["share"] == pytest.approx(fitted.evaluate(at))
        interval = fitted.confidence_interval(method="log-log")
        for name, curve in (("low", interval.low), ("high", interval.high)):
            known = [(end, other) for end, other in zip(survival[name], curve.evaluate(at), strict=True) if end is not None]
            assert len(known) > 5
            assert [end for end, _ in known] == pytest.approx([other for _, other in known])


def test_alternative_statistics_of_a_comparison_are_those_of_scipy(rows):
    for pair in rows.report["extended"]["pairs"]:
        best = [rows.best(pair[side]) for side in ("a", "b")]
        for budget in pair["budgets"]:
            a, b = (of[:, budget["budget"] - 1] for of in best)
            first, second = np.triu_indices(len(a))
            assert budget["shift"]["estimate"] == pytest.approx(np.median(((a - b)[first] + (a - b)[second]) / 2))
            welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
            assert (budget["unpaired"]["low"], budget["unpaired"]["high"]) == pytest.approx((welch.low, welch.high))
            assert budget["improvement"]["value"] == pytest.approx(stats.mannwhitneyu(a, b).statistic / len(a) ** 2)
        (trials_a, reached_a), (trials_b, reached_b) = (rows.times(pair[side]) for side in ("a", "b"))
        assert pair["ratio"]["value"] == pytest.approx(trials_a.mean() / trials_b.mean())
        test = stats.logrank(
            stats.CensoredData(trials_a[reached_a], right=trials_a[~reached_a]),
            stats.CensoredData(trials_b[reached_b], right=trials_b[~reached_b]),
        )
        assert pair["log_rank"] == pytest.approx(test.pvalue)


def test_a_detectable_difference_has_80_percent_power_in_the_noncentral_t(rows):
    for pair in rows.report["comparisons"]:
        for budget in pair["budgets"]:
            n, sd = budget["replicates"], budget["sd"]
            critical = stats.t.ppf(0.975, n - 1)

            def power(effect, n=n, critical=critical):
                shift = effect * np.sqrt(n)
                return stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift)

            effect = optimize.brentq(lambda effect: power(effect) - 0.8, 0.01, 5)
            assert budget["detectable"] == pytest.approx(effect * sd, rel=1e-3)


def test_cumulative_performance_and_the_expected_best_of_n_follow_their_formulas():
    rows = Rows("audio_fsdd-large")
    for measured in rows.report["secondary"]:
        best, number = rows.best(measured["view"]), np.arange(1, TRIALS + 1)
        for name, weights in (("early", number[::-1]), ("uniform", np.ones(TRIALS)), ("late", number)):
            expected = t_interval((best * weights).sum(axis=1) / weights.sum())
            assert ends(measured["of_observed"][name]) == pytest.approx(expected)
        ordered = np.sort(rows.values(measured["view"]), axis=None)
        for n in (1, 2, 10, TRIALS):
            chance = [comb(i, n - 1) / comb(ordered.size, n) for i in range(ordered.size)]  # value i + 1 is the best of n
            assert measured["expected"]["mean"][n - 1] == pytest.approx(float(np.dot(chance, ordered)))


def test_best_points_at_range_ends_are_counted_in_the_scale_of_the_range(rows):
    ranges = {"learning_rate": (1e-4, 10), "init_scale": (1e-5, 10), "gamma": (1e-3, 1), "weight_decay": (1e-7, 1e-1)}
    (latent,) = (view for view in rows.report["extended"]["views"] if view["name"] == "latent")
    of_latent = rows.trials[rows.trials["view"] == "latent"]
    best = of_latent[of_latent["number"] == rows.values("latent").argmax(axis=1)[of_latent["replicate"]]]
    for found in latent["boundaries"]:
        low, high = np.log10(ranges[found["name"]])
        position = (np.log10(best[f"point.{found['name']}"].astype(float)) - low) / (high - low)
        at_ends = int((position <= 0.05).sum() + (position >= 0.95).sum())
        expected = (at_ends / rows.replicates, *wilson(at_ends, rows.replicates, 0.95))
        assert (found["share"], found["low"], found["high"]) == pytest.approx(expected)
