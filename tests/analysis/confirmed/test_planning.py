import dataclasses

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.analysis.confirmed.planning import plan_endpoints, read_pilot
from hpstudy.errors import UsageError

ENDPOINTS = [{"use": "confirmed_regret"}, {"use": "final"}, {"use": "trials_to_target"}]
PLATEAUS = {"values": {"a": 1.0, "b": 1.0}, "source": "known"}


@pytest.fixture
def make_pilot(make_confirmed):
    """Searches that approach 1; those of a are slower, by `gap` on average; every seed adds noise."""

    def make(n=12, gap=0.05, noise=0.05, endpoints=ENDPOINTS, plateaus=PLATEAUS, **analysis):
        rng, trials = np.random.default_rng(0), np.arange(8)
        true = {view: 1 - 0.5**trials - (gap if view == "a" else 0) + rng.normal(0, 0.05, size=(n, 1)) for view in "ab"}
        values = {view: curve + rng.normal(0, noise, size=(n, 8)) for view, curve in true.items()}
        fresh = {view: curve[:, :, None] + rng.normal(0, noise, size=(n, 8, 8)) for view, curve in true.items()}
        return make_confirmed(values, fresh, endpoints=endpoints, plateaus=plateaus, **analysis)

    return make


def plans_of(source, replicates, seeds, resamples=200):
    pilot, level = read_pilot(source, source.study)
    return list(plan_endpoints(pilot, source.study, level, replicates, seeds, resamples=resamples))


def test_the_pilots_own_curves_come_back_on_all_of_its_seeds(make_pilot):
    """The difference of the plan is that of the pilot's analysis."""
    source = make_pilot()
    results = analyze(source)
    for plan, result in zip(plans_of(source, [4], [2], 1), results.declared, strict=True):
        assert plan.difference == pytest.approx(result.declared.pairs[0].estimate.value)
        assert (plan.endpoint, plan.primary) == (result.endpoint, result.primary)


def test_intervals_shrink_with_the_root_of_the_replicates_and_power_grows(make_pilot):
    plans = [plan for plan in plans_of(make_pilot(gap=0.03), [10, 40], [8]) if plan.endpoint.use == "confirmed_regret"]
    assert plans[0].half_width / plans[1].half_width == pytest.approx(2, rel=0.25)
    assert plans[0].power < plans[1].power


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_half_width_is_that_of_the_spread_of_the_pilot(make_pilot, noise):
    """t(9) sd / sqrt(10), on as many seeds as the pilot has: their noise is in the sd of the 12 replicates already."""
    source = make_pilot(noise=noise)
    (plan,) = [plan for plan in plans_of(source, [10], [8], 400) if plan.endpoint.use == "final"]
    differences = analyze(source).declared[1].declared.pairs[0].differences
    assert plan.half_width == pytest.approx(2.262 * differences.std(ddof=1) / np.sqrt(10), rel=0.05)


def test_more_seeds_give_shorter_intervals(make_pilot):
    widths = [
        plan.half_width for plan in plans_of(make_pilot(noise=0.5), [20], [1, 8]) if plan.endpoint.use == "confirmed_regret"
    ]
    assert widths[0] > 1.3 * widths[1]


def test_without_a_difference_the_power_is_at_most_the_level(make_pilot):
    """A pilot in which the two views are alike: half of alpha on the pilot's side."""
    source = make_pilot()
    same = dataclasses.replace(
        source, values=dict.fromkeys("ab", source.values["b"]), fresh=dict.fromkeys("ab", source.fresh["b"])
    )
    for plan in plans_of(same, [20], [8]):
        assert plan.power <= 0.05


def test_the_power_counts_differences_on_the_side_of_the_pilot(make_pilot, monkeypatch):
    """Of four resamples two show a difference on this side, one shows the opposite, and one shows none."""
    source = make_pilot()
    (found,) = analyze(
        source, source.study.analysis.model_copy(update={"endpoints": source.study.analysis.endpoints[:1]})
    ).declared
    (pair,) = found.declared.pairs

    def result(value, shown):
        estimate = dataclasses.replace(pair.estimate, value=value)
        other = dataclasses.replace(found.declared, pairs=(dataclasses.replace(pair, estimate=estimate, shown=shown),))
        return (dataclasses.replace(found, measurements=(other,)),)

    drawn = iter([result(0.2, "b"), result(0.2, "b"), result(-0.2, "a"), result(0.1, ""), result(0.3, "b")])
    monkeypatch.setattr("hpstudy.analysis.confirmed.planning.declared_results", lambda *_: next(drawn))
    (plan,) = plans_of(source, [10], [8], resamples=4)
    assert (plan.difference, plan.power) == (0.2, 0.5)


def test_a_large_difference_is_always_found(make_pilot):
    assert plans_of(make_pilot(gap=0.4), [10], [4])[0].power == 1


def test_the_same_study_is_planned_alike(make_pilot):
    assert plans_of(make_pilot(), [10], [2], 20) == plans_of(make_pilot(), [10], [2], 20)


def test_held_out_replicates_and_plateaus_of_the_others_are_planned(make_pilot):
    for plateaus in ({"held_out": 3}, None):
        assert 0 <= plans_of(make_pilot(plateaus=plateaus), [8], [2], 20)[0].power <= 1


def test_a_pilot_that_confirms_no_incumbents_has_its_observed_values(make_pilot):
    source = make_pilot()
    bare = dataclasses.replace(source, study=source.study.model_copy(update={"confirm": None}), fresh={})
    pilot, level = read_pilot(bare, source.study)
    assert (pilot.confirmed, pilot.seeds) == (False, 1)
    plans = list(plan_endpoints(pilot, source.study, level, [10], [2, 8], resamples=20))
    assert not any(plan.confirmed for plan in plans)
    finals = [np.asarray(source.values[view]).max(axis=1).mean() for view in "ab"]
    assert plans[1].difference == pytest.approx(finals[0] - finals[1])


def test_another_kind_of_pilot_is_refused(make_pilot):
    source = make_pilot()
    study = source.study
    other = study.model_copy(update={"metric": study.metric.model_copy(update={"name": "loss"})})
    with pytest.raises(UsageError, match="the metric of the pilot is score, that of small is loss"):
        read_pilot(source, other)
    with pytest.raises(UsageError, match="the pilot small has no view 'c'"):
        read_pilot(source, study.model_copy(update={"views": {**study.views, "c": study.views["a"]}}))
    with pytest.raises(UsageError, match="declares no endpoints"):
        read_pilot(
            source, study.model_copy(update={"analysis": study.analysis.model_copy(update={"endpoints": (), "plateaus": None})})
        )
    with pytest.raises(UsageError, match="2 replicates are complete"):
        read_pilot(make_pilot(n=2), study)
