"""Sentences about declared plateaus that a view is shown to exceed."""

import dataclasses
import re

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.analysis.confirmed.plateaus import ConfirmedMean, ExceededPlateau
from hpstudy.report import endpoint_answers, exceeded_plateaus, serial
from tests.report.test_endpoints_chapter import make
from tests.support.reports import evidence_of
from tests.support.sources import MemorySource


def declared(a, b, **settings):
    return analyze(make(plateaus={"values": {"a": a, "b": b}, "source": "a pilot"}, **settings))


def by_endpoint(results):
    """The sentences about plateaus next to each endpoint."""
    return [list(exceeded_plateaus.sentences(results, result)) for result in results.declared]


@pytest.mark.parametrize(("goal", "wrong"), [("maximize", "low"), ("minimize", "high")])
def test_a_plateau_that_a_view_exceeds_is_named_next_to_each_endpoint_that_uses_it(goal, wrong):
    sign = 1 if goal == "maximize" else -1
    results = declared(sign * 0.5, sign * 2, goal=goal)
    (regret,), best, (within,), final, target = by_endpoint(results)
    assert (best, final, target) == ([], [], [])
    number = r"−?\d\.\d+"
    opening = rf"The declared plateau of a \({number}\) is too {wrong}: 8 searches of a end at a mean of {number} "
    evidence = r"\(standard error 0\.0\d+; p < 0\.001 after Bonferroni's correction for 18 confirmed means\), so "
    assert re.fullmatch(f"{opening}{evidence}the regret of a is too small.", regret)
    assert re.fullmatch(f"{opening}{evidence}the trials of a are too few.", within)
    assert endpoint_answers.evidence(results, results.declared[0]).startswith(regret)
    assert f" {regret} " in f" {' '.join(evidence_of(results))} "
    assert serial.body(results)["exceeded_plateaus"][0]["mean"]["kind"] == "searches"


def test_the_best_plateau_is_too_low_for_every_view():
    endpoints = [{"use": "confirmed_regret", "plateau": "best"}, {"use": "trials_to_within", "plateau": "best", "deltas": [0.1]}]
    (first, second), (third, fourth) = by_endpoint(declared(0.5, 0.5, endpoints=endpoints))
    for text, view in ((first, "a"), (second, "b"), (third, "a"), (fourth, "b")):
        assert re.match(rf"The best declared plateau \(0.5\d*\) is too low: 8 searches of {view} end at ", text)
    assert first.endswith(", so every regret to it is too small by the same amount, and differences stay.")
    assert third.endswith(", so the trials of every view are too few.")


def test_nothing_is_said_of_plateaus_that_hold_or_before_the_study_is_complete():
    holds = declared(2, 2)
    assert by_endpoint(holds) == [[]] * 5
    assert "exceeded_plateaus" not in serial.body(holds)
    whole = make(plateaus={"values": {"a": 0.5, "b": 0.5}, "source": "a pilot"})
    state = np.where(np.arange(80).reshape(8, 10) == 79, "missing", "completed")
    partly = analyze(MemorySource(whole.study, whole.values, {"a": state}, fresh=whole.fresh))
    assert partly.exceeded_plateaus
    assert by_endpoint(partly) == [[]] * 5


@pytest.mark.parametrize(
    ("mean", "said"),
    [
        (("default", "a", None), "the default point of a has on 5 fresh seeds a mean of 0.70"),
        (("search", "a", 3), "the chosen point of a in replicate 3 has on 5 fresh seeds a mean of 0.70"),
        (("search", "a/tpe", 3), "the chosen point of a with tpe in replicate 3 has on 5 fresh seeds a mean of 0.70"),
        (("searches", "a/tpe", None), "5 searches of a with tpe end at a mean of 0.70"),
    ],
)
def test_what_exceeds_the_plateau_is_named(mean, said):
    exceeded = ExceededPlateau("a", 0.5, ConfirmedMean(*mean, 0.7, 0.05, 5, 40), 0.012, 9)
    results = dataclasses.replace(declared(0.5, 2), exceeded_plateaus=(exceeded,))
    (text,) = exceeded_plateaus.sentences(results, results.declared[0])
    assert text == (
        f"The declared plateau of a (0.50) is too low: {said} (standard error 0.05; p = 0.012 after Bonferroni's correction for 9 "
        "confirmed means), so the regret of a is too small."
    )
