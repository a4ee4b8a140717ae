import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from hpstudy.analysis import analyze
from hpstudy.analysis.comparisons.planning import study_power
from hpstudy.cli import power as command
from hpstudy.errors import UsageError


def test_every_comparison_is_planned_for_both_endpoints(make_source):
    values = np.random.default_rng(0).normal(size=(3, 8, 5))
    results = analyze(make_source(dict(zip("abc", values, strict=True)), target={"value": 1}))
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
            {name: np.random.default_rng(seed).normal(size=(n, 5)) for seed, name in enumerate("ab")}, target={"value": 0}
        )
        object.__setattr__(source, "snapshot", nullcontext)
        monkeypatch.setattr("hpstudy.api.results.open", lambda study, storage, *, scale: nullcontext(source))
        app = typer.Typer()
        app.command()(command.power)
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


def test_a_plan_has_at_least_the_replicates_of_a_significant_sign_flip_test(invoke):
    """Six at 0.05: 2 patterns of 64. A t test needs fewer for a difference of many standard deviations."""
    rows = json.loads(invoke("--difference", "100", "--format", "json").stdout)
    assert (rows[0]["needed_low"], rows[0]["needed"], rows[0]["needed_high"]) == (6, 6, 6)
    strict = json.loads(invoke("--difference", "100", "--alpha", "0.001", "--format", "json").stdout)
    assert (strict[0]["needed"], strict[0]["mde"], strict[0]["mde_10"]) == (11, None, None)
    assert strict[0]["mde_20"] > 0
    few = json.loads(invoke("--difference", "100", "--format", "json", n=5).stdout)
    assert few[0]["mde"] is None


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


def test_a_difference_beyond_what_the_target_can_show_is_refused(invoke):
    found = invoke("--difference", "1", "--trials", "4").exception
    assert isinstance(found, UsageError)
    assert "can be observed, below --trials 4" in found.message


def test_a_study_with_one_replicate_is_refused(invoke):
    found = invoke("--difference", "1", n=1).exception
    assert isinstance(found, UsageError)
    assert "no spread" in found.message
