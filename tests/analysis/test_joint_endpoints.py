"""The declared endpoints of several studies taken together."""

import dataclasses

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.analysis.cross_study import several
from tests.report.test_endpoints_chapter import make

GIVEN = {"plateaus": {"values": {"a": 1, "b": 1}, "source": "a pilot"}}


def named(source, name):
    """The same study with this name, and a seed of its own."""
    return dataclasses.replace(source, study=source.study.model_copy(update={"name": name, "seed": len(name) + ord(name[0])}))


def joint(**settings):
    """Two studies called one and two, of 8 and 10 replicates, with these settings."""
    return [analyze(named(make(n=n, **settings), name)) for n, name in ((8, "one"), (10, "two"))]


def two(**changes):
    """The same with plateaus."""
    return joint(**{**GIVEN, **changes})


def test_trials_are_taken_as_they_are_and_values_on_the_scale_of_their_study():
    studies = two()
    found = {(one.endpoint.use, one.endpoint.of_best_plateau): one for one in several(studies).endpoints}
    assert len(found) == 5
    scales = several(studies).scales
    for index, results in enumerate(studies):
        declared = {result.endpoint.use: result.declared.pairs[0].estimate for result in results.declared}
        width = scales[index].known - scales[index].first
        trials, final, regret = (
            found[key].studies[index] for key in (("trials_to_within", False), ("final", False), ("confirmed_regret", True))
        )
        assert (trials.value, trials.low) == (declared["trials_to_within"].value, declared["trials_to_within"].low)
        assert (final.value, final.low) == pytest.approx((declared["final"].value / width, declared["final"].low / width))
        assert regret.value == pytest.approx(declared["confirmed_regret"].value / width)
    trials = found["trials_to_within", False]
    assert trials.together.value == pytest.approx(np.mean([each.value for each in trials.studies]))


def test_a_minimized_metric_gives_the_same_numbers():
    down = two(goal="minimize", plateaus={"values": {"a": -1, "b": -1}, "source": "a pilot"})
    for one, other in zip(several(two()).endpoints, several(down).endpoints, strict=True):
        assert other.together.value == pytest.approx(one.together.value)
        assert (other.shown, other.adjusted) == (one.shown, pytest.approx(one.adjusted))


def test_holm_corrects_primary_and_other_endpoints_apart_and_alone_shows_a_difference():
    found = several(two()).endpoints
    primary, others = ([one for one in found if one.primary == kind] for kind in (True, False))
    assert [one.endpoint.use for one in primary] == ["confirmed_regret", "confirmed_regret"]
    for family in (primary, others):
        p = np.array([one.p for one in family])
        smallest = int(p.argmin())
        assert family[smallest].adjusted == pytest.approx(min(1, p[smallest] * len(p)))
        assert all(bool(one.shown) == (one.adjusted < 0.05) for one in family)
    assert primary[0].shown == "b"
    assert next(one for one in others if one.endpoint.use == "final").shown == ""


def test_a_view_that_never_gets_there_in_a_study_leaves_no_mean():
    studies = two()
    studies[1] = analyze(named(make(n=10, plateaus={"values": {"a": 9, "b": 1}, "source": "a pilot"}), "two"))
    within = next(one for one in several(studies).endpoints if one.endpoint.use == "trials_to_within")
    assert (within.reached[1], within.together, within.shown) == ((0, 10), None, "")
    assert np.isnan(within.adjusted)


@pytest.mark.parametrize(
    "other",
    [
        {"endpoints": [{"use": "trials_to_within", "deltas": [0.2]}]},
        {"endpoints": [{"use": "confirmed_regret", "plateau": "best"}]},
        {"endpoints": [], "plateaus": None},
    ],
)
def test_only_endpoints_that_all_studies_declare_are_taken_together(other):
    endpoints = [{"use": "trials_to_within", "deltas": [0.3]}, {"use": "confirmed_regret"}]
    first = analyze(named(make(**GIVEN, endpoints=endpoints), "one"))
    assert several([first, analyze(named(make(**{**GIVEN, **other}), "two"))]).endpoints == ()


def test_an_endpoint_that_is_secondary_in_one_study_is_not_primary():
    regret, final = {"use": "confirmed_regret"}, {"use": "final"}
    studies = [
        analyze(named(make(**GIVEN, endpoints=order), name))
        for name, order in (("one", [regret, final]), ("two", [final, regret]))
    ]
    assert [one.primary for one in several(studies).endpoints] == [False, False]
