import json
import math

import numpy as np
import pytest
import typer
from scipy import stats
from typer.testing import CliRunner

from hpstudy.analysis import analyse
from hpstudy.analysis.comparisons.budgets import detectable_effect
from hpstudy.analysis.statistics.power import MOST, detectable, power, power_of, required, sd_interval, study_power
from hpstudy.cli import power as command
from hpstudy.errors import UsageError


@pytest.mark.parametrize(("effect", "n"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_the_required_replicates_are_those_of_the_textbook(effect, n):
    # As in G*Power 3 (two-sided paired t test, alpha 0.05, power 0.8).
    assert required(effect, 0.8, 0.05) == n


@pytest.mark.parametrize(("effect", "wanted"), [(0.1, 0.9), (0.66, 0.8), (2.5, 0.99), (-0.5, 0.8)])
def test_one_replicate_fewer_has_too_little_power(effect, wanted):
    n = required(effect, wanted, 0.05)
    assert power_of(effect, n, 0.05) >= wanted > power_of(effect, n - 1, 0.05)


def test_a_huge_effect_needs_two_replicates():
    assert required(100, 0.8, 0.05) == 2


def test_a_tiny_effect_needs_more_replicates_than_anyone_runs():
    assert required(math.sqrt(7.85 / MOST) / 10, 0.8, 0.05) is None


def test_the_power_is_that_of_the_noncentral_t():
    n, effect, critical = 12, 0.7, stats.t.ppf(0.975, 11)
    expected = stats.nct.sf(critical, 11, effect * math.sqrt(n)) + stats.nct.cdf(-critical, 11, effect * math.sqrt(n))
    assert power_of(effect, n, 0.05) == pytest.approx(expected)


def test_without_an_effect_the_power_is_the_level():
    assert power_of(0, 20, 0.05) == pytest.approx(0.05)


@pytest.mark.parametrize("n", [2, 5, 20, 1000])
def test_at_80_per_cent_the_detectable_effect_is_that_of_the_report(n):
    assert detectable(n, 0.8, 0.05) == pytest.approx(detectable_effect(n, 0.05), rel=1e-6)


def test_the_required_replicates_detect_the_effect_they_are_required_for():
    n = required(0.5, 0.9, 0.01)
    assert detectable(n, 0.9, 0.01) <= 0.5 < detectable(n - 1, 0.9, 0.01)


def test_the_interval_of_a_standard_deviation_is_the_chi_square_one():
    low, high = sd_interval(2.0, 10, 0.95)
    # Chi-square quantiles with 9 degrees of freedom: 19.023 and 2.700.
    assert (low, high) == pytest.approx((2 * math.sqrt(9 / 19.023), 2 * math.sqrt(9 / 2.700)), rel=1e-3)


def test_the_interval_of_a_standard_deviation_covers_as_often_as_it_says():
    sds = np.random.default_rng(0).normal(size=(2000, 20)).std(axis=1, ddof=1)
    ends = np.array([sd_interval(sd, 20, 0.95) for sd in sds])
    assert ((ends[:, 0] <= 1) & (ends[:, 1] >= 1)).mean() == pytest.approx(0.95, abs=0.015)


def test_as_many_replicates_as_are_needed_find_the_difference_as_often_as_asked():
    n = required(0.4 / 1.0, 0.8, 0.05)
    samples = np.random.default_rng(1).normal(0.4, 1.0, size=(8000, n))
    assert (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.015)


def test_a_wider_spread_needs_more_replicates():
    found = power(np.random.default_rng(2).normal(size=15), 0.5)
    assert found.sd_low < found.sd < found.sd_high
    assert found.needed_low < found.needed < found.needed_high


def test_the_detectable_difference_is_in_the_units_of_the_metric():
    d = np.random.default_rng(2).normal(size=20)
    small, large = power(d, None), power(10 * d, None)
    assert large.detectable == pytest.approx(10 * small.detectable)
    assert small.detectable == small.detectable_at[1]
    assert small.needed is None


def test_one_replicate_shows_no_spread():
    found = power(np.array([1.0]), 0.5)
    assert math.isnan(found.sd)
    assert found.needed is None


def test_equal_differences_give_no_number_of_replicates():
    assert power(np.full(5, 2.0), 0.5).needed is None


def test_every_comparison_is_planned_for_both_endpoints(make_source):
    values = np.random.default_rng(0).normal(size=(3, 8, 5))
    results = analyse(make_source(dict(zip("abc", values, strict=True)), target={"value": 1}))
    found = study_power(results, 0.5, None)
    assert [(plan.a, plan.b, plan.endpoint) for plan in found][:3] == [
        ("a", "b", "final_best"),
        ("a", "b", "trials_to_target"),
        ("a", "c", "final_best"),
    ]
    d = results.view("a").best[:, -1] - results.view("b").best[:, -1]
    assert found[0].power.sd == pytest.approx(d.std(ddof=1))
    assert [plan.difference for plan in found[:2]] == [0.5, None]


@pytest.fixture
def invoke(make_source, monkeypatch):
    """Run the command on a study in memory."""

    def run(*arguments, n=8):
        from contextlib import nullcontext

        source = make_source(
            {name: np.random.default_rng(seed).normal(size=(n, 5)) for seed, name in enumerate("ab")}, target={"value": 1}
        )
        object.__setattr__(source, "snapshot", nullcontext)
        monkeypatch.setattr("hpstudy.api.open", lambda study, storage, *, scale: nullcontext(source))
        app = typer.Typer()
        command.add_to(app)
        app.callback()(lambda: None)
        return CliRunner().invoke(app, ["power", "small", *arguments])

    return run


def test_the_command_prints_one_row_for_each_comparison_and_endpoint(invoke):
    found = invoke("--difference", "0.3", "--trials", "2", "--format", "json")
    rows = json.loads(found.stdout)
    assert [(row["comparison"], row["endpoint"], row["difference"]) for row in rows] == [
        ("a - b", "final_best", 0.3),
        ("a - b", "trials_to_target", 2),
    ]
    assert all(row["needed_low"] <= row["needed"] <= row["needed_high"] for row in rows)


def test_the_command_asks_for_no_trials_unless_told(invoke):
    rows = json.loads(invoke("--difference", "0.3", "--format", "json").stdout)
    assert rows[1]["needed"] is None
    assert rows[1]["mde_20"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--difference", "0"),
        ("--difference", "nan"),
        ("--difference", "1", "--trials", "-1"),
        ("--difference", "1", "--alpha", "0"),
        ("--difference", "1", "--power", "1"),
        ("--difference", "1", "--power", "0.01"),
    ],
)
def test_impossible_wishes_are_refused(invoke, arguments):
    assert isinstance(invoke(*arguments).exception, UsageError)


def test_a_study_with_one_replicate_is_refused(invoke):
    found = invoke("--difference", "1", n=1).exception
    assert isinstance(found, UsageError)
    assert "no spread" in found.message
