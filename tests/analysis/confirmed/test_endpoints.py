import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis import analyze
from hpstudy.analysis.confirmed.comparison import findable, measurement
from hpstudy.analysis.confirmed.measure import EndpointInputs, endpoint_values
from hpstudy.goal import Goal
from hpstudy.study.declaration import Endpoint

NAN = float("nan")

A = np.array([[1.0, 2.0, 4.0], [0.0, 3.0, 5.0], [2.0, 2.0, 3.0]])
B = np.array([[3.0, 3.0, 3.0], [1.0, 4.0, 4.0], [2.0, 2.0, 5.0]])
"""Confirmed curves of three replicates of two views, with final means 4 and 4."""

REGRET = Endpoint(use="confirmed_regret")
BEST = Endpoint(use="confirmed_regret", plateau="best")
FINAL = Endpoint(use="final")


def within(*deltas):
    return Endpoint(use="trials_to_within", deltas=deltas)


def judged(a=A, b=B, plateaus=None, goal=Goal.MAXIMIZE):
    return EndpointInputs(goal, {"a": a, "b": b}, plateaus)


def values_of(endpoint, delta, given):
    return {view: found.values.tolist() for view, found in endpoint_values(endpoint, delta, given).items()}


def test_regret_is_the_mean_distance_from_the_declared_plateau():
    found = values_of(REGRET, None, judged(plateaus={"a": 5, "b": 4}))
    assert found == {"a": [pytest.approx(8 / 3), pytest.approx(7 / 3), pytest.approx(8 / 3)], "b": [1.0, 1.0, 1.0]}


def test_the_best_plateau_judges_all_views():
    found = values_of(BEST, None, judged(plateaus={"a": 5, "b": 4}))
    assert found["b"] == [2.0, 2.0, 2.0]
    assert found["a"] == values_of(REGRET, None, judged(plateaus={"a": 5, "b": 4}))["a"]


def test_a_metric_that_is_minimized_has_the_same_regret():
    assert values_of(REGRET, None, judged(-A, -B, {"a": -5, "b": -4}, Goal.MINIMIZE)) == values_of(
        REGRET, None, judged(plateaus={"a": 5, "b": 4})
    )
    assert values_of(BEST, None, judged(-A, -B, goal=Goal.MINIMIZE)) == values_of(BEST, None, judged())


def test_without_a_declared_plateau_the_other_replicates_set_it():
    found = endpoint_values(REGRET, None, judged())
    # Finals of a are 4, 5, 3: the means of the two others are 4, 3.5 and 4.5.
    assert found["a"].plateau.tolist() == [4, 3.5, 4.5]
    assert found["a"].values.tolist() == pytest.approx([4 - 7 / 3, 3.5 - 8 / 3, 4.5 - 7 / 3])


def test_the_curve_of_a_replicate_does_not_move_its_own_plateau():
    moved = A.copy()
    moved[0] = [0, 50, 100]
    plateau = [endpoint_values(REGRET, None, judged(a))["a"].plateau for a in (A, moved)]
    assert plateau[0][0] == plateau[1][0]
    assert (plateau[0][1:] != plateau[1][1:]).all()


def test_trials_to_within_are_the_first_trial_near_the_plateau_or_all_of_them():
    found = endpoint_values(within(1, 0.5), 1, judged(plateaus={"a": 4, "b": 5}))
    assert found["a"].values.tolist() == [3, 2, 3]  # at least 3
    assert found["b"].values.tolist() == [3, 2, 3]  # at least 4; the first search never is
    assert found["b"].reached.tolist() == [False, True, True]


def test_a_distance_that_equals_the_delta_is_within():
    # 0.9 - 0.1 is 0.8 and 0.9 - 0.89 is more than 0.01 in binary.
    near = judged(np.array([[0.8, 0.89]]), np.array([[0.0, 0.0]]), {"a": 0.9, "b": 1})
    assert values_of(within(0.01), 0.01, near)["a"] == [2]
    assert endpoint_values(within(0.01), 0.01, near)["a"].reached.tolist() == [True]


def test_final_is_the_last_confirmed_value():
    assert values_of(FINAL, None, judged()) == {"a": [4, 5, 3], "b": [3, 4, 5]}


def test_declared_plateaus_give_the_paired_t_interval_and_test():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(12, 5)), rng.normal(0.4, 1, size=(12, 5))
    found = measurement(REGRET, None, judged(a, b, {"a": 3, "b": 3}), [("a", "b")], 0.95)
    d = (3 - a).mean(axis=1) - (3 - b).mean(axis=1)
    (pair,) = found.pairs
    np.testing.assert_allclose(pair.differences, d)
    assert (pair.estimate.low, pair.estimate.high) == pytest.approx(tuple(stats.ttest_1samp(d, 0).confidence_interval(0.95)))
    assert pair.p == pytest.approx(stats.ttest_rel((3 - a).mean(axis=1), (3 - b).mean(axis=1)).pvalue)
    assert found.views[0].estimate.n == 12
    assert found.views[0].plateau == 3


def test_the_jackknife_of_a_regret_from_the_study_itself_is_that_of_final_minus_mean():
    """The mean is linear in the finals and in the means of the curves, so that its pseudo-values are known."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(9, 6)), rng.normal(size=(9, 6))
    found = measurement(REGRET, None, judged(a, b), [("a", "b")], 0.9)
    own = a[:, -1] - a.mean(axis=1)
    assert found.views[0].estimate.value == pytest.approx(own.mean())
    interval = stats.ttest_1samp(own, 0).confidence_interval(0.9)
    assert (found.views[0].estimate.low, found.views[0].estimate.high) == pytest.approx(tuple(interval))
    d = own - (b[:, -1] - b.mean(axis=1))
    assert found.pairs[0].p == pytest.approx(stats.ttest_1samp(d, 0).pvalue)


def test_the_jackknife_repeats_the_computation_without_each_replicate():
    """Brute force: plateaus, trials and means computed again without each replicate."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(7, 6)).cumsum(axis=1), rng.normal(size=(7, 6)).cumsum(axis=1)

    def mean_trials(curves):
        trials = []
        for row, curve in enumerate(curves):
            plateau = np.mean([other[-1] for index, other in enumerate(curves) if index != row])
            near = [n for n, value in enumerate(curve, 1) if value >= plateau - 0.5]
            trials.append(near[0] if near else curves.shape[1])
        return np.mean(trials)

    pseudo = [
        7 * (mean_trials(a) - mean_trials(b))
        - 6 * (mean_trials(np.delete(a, row, axis=0)) - mean_trials(np.delete(b, row, axis=0)))
        for row in range(7)
    ]
    (pair,) = measurement(within(0.5), 0.5, judged(a, b), [("a", "b")], 0.95).pairs
    assert pair.estimate.value == pytest.approx(mean_trials(a) - mean_trials(b))
    half = stats.t.ppf(0.975, 6) * np.std(pseudo, ddof=1) / np.sqrt(7)
    assert pair.estimate.high - pair.estimate.value == pytest.approx(half)


def test_the_attainable_range_is_that_of_one_view_that_never_gets_there():
    (pair,) = measurement(within(1), 1, judged(plateaus={"a": 4, "b": 5}), [("a", "b")], 0.95).pairs
    mean = (3 + 2 + 3) / 3  # of both
    assert pair.attainable == pytest.approx((mean - 3, 3 - mean))
    assert measurement(REGRET, None, judged(plateaus={"a": 4, "b": 5}), [("a", "b")], 0.95).pairs[0].attainable is None


def test_a_difference_that_cannot_be_is_not_called_detectable():
    late = np.array([[0, 0, 9.0], [0, 9, 9], [9, 9, 9], [0, 0, 0]])
    (pair,) = measurement(within(1), 1, judged(late, late[::-1], {"a": 9, "b": 9}), [("a", "b")], 0.95).pairs
    assert np.isnan(findable(pair, 0.05))
    early = np.concatenate([late] * 10)
    (pair,) = measurement(within(1), 1, judged(early, early[::-1], {"a": 9, "b": 9}), [("a", "b")], 0.95).pairs
    assert 0 < findable(pair, 0.05) < pair.attainable[1]


def test_what_is_detectable_is_so_after_the_correction_for_all_tests_of_the_family(declare):
    """With two primary endpoints a t test at 2.5 % finds the difference with 80 % power; other deltas are not tested."""
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(15, 4)), rng.normal(size=(15, 4))
    final, best, trials = declare(
        {"use": "final"},
        {"use": "confirmed_regret", "plateau": "best", "co_primary": True},
        {"use": "trials_to_within", "deltas": [0.2, 0.4]},
        a=a,
        b=b,
        plateaus={"values": {"a": 2, "b": 2}, "source": "a pilot"},
    )
    pair = final.declared.pairs[0]
    assert pair.sd == pytest.approx(np.std(pair.differences, ddof=1))
    effect = pair.detectable / pair.sd * np.sqrt(15)
    critical = stats.t.ppf(1 - 0.025 / 2, 14)
    assert stats.nct.sf(critical, 14, effect) + stats.nct.cdf(-critical, 14, effect) == pytest.approx(0.8, abs=1e-3)
    assert best.declared.pairs[0].detectable > 0
    assert np.isnan(trials.measurements[1].pairs[0].detectable)


@pytest.mark.parametrize(("n", "has_value", "has_interval"), [(1, False, False), (2, True, False), (3, True, True)])
def test_too_few_replicates_give_no_interval(make_confirmed, n, has_value, has_interval):
    values = {"a": A[:n], "b": B[:n]}
    source = make_confirmed(
        values, {view: array[:, :, None] for view, array in values.items()}, endpoints=[{"use": "confirmed_regret"}]
    )
    (result,) = analyze(source).declared
    assert (result.declared is not None) == has_value
    if has_value:
        assert np.isfinite(result.declared.pairs[0].estimate.low) == has_interval


@pytest.fixture
def declare(make_confirmed):
    """The endpoints of the views a and b, whose searches are their own confirmations."""

    def declare(*endpoints, a=A, b=B, confirm=1, **analysis):
        values = {"a": a, "b": b}
        fresh = {view: np.repeat(np.asarray(array)[:, :, None], confirm, axis=2) for view, array in values.items()}
        return analyze(make_confirmed(values, fresh, endpoints=list(endpoints), **analysis)).declared

    return declare


def test_the_first_endpoint_is_primary_and_holm_corrects_primaries_and_secondaries_apart(declare):
    rng = np.random.default_rng(4)
    rising = rng.uniform(size=(10, 4)).cumsum(axis=1)
    results = declare(
        {"use": "confirmed_regret"},
        {"use": "confirmed_regret", "plateau": "best", "co_primary": True},
        {"use": "final"},
        {"use": "trials_to_within", "deltas": [0.5, 1]},
        {"use": "trials_to_target"},
        a=rising,
        b=rng.uniform(size=(10, 4)).cumsum(axis=1),
    )
    assert [result.primary for result in results] == [True, True, False, False, False]
    pairs = [result.declared.pairs[0] for result in results]
    for family in (pairs[:2], pairs[2:]):
        p = np.array([pair.p for pair in family])
        order = np.argsort(p)
        stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
        np.testing.assert_allclose(np.array([pair.adjusted for pair in family])[order], np.minimum(stepped, 1))


def test_only_an_adjusted_p_shows_a_difference(declare):
    rng = np.random.default_rng(5)
    base = np.tile([0.0, 1.0, 2.0], (8, 1)) + rng.normal(0, 0.01, size=(8, 1))
    slow = np.tile([0.0, 0.0, 2.0], (8, 1)) + rng.normal(0, 0.01, size=(8, 1))
    (result,) = declare({"use": "confirmed_regret"}, a=slow, b=base)
    (pair,) = result.declared.pairs
    assert (pair.shown, pair.adjusted < 0.01) == ("b", True)
    (result,) = declare({"use": "final"}, a=base + 1, b=base)
    assert result.declared.pairs[0].shown == "a"
    # The same differences twice: p is 0.039, and 0.077 once both are counted.
    b = np.zeros((8, 3))
    a = b + np.array([-0.3, 2, 3, 1, 2, -0.5, 1.5, 0.2])[:, None]
    best = {"use": "confirmed_regret", "plateau": "best"}
    assert [result.declared.pairs[0].shown for result in declare({"use": "final"}, best, a=a, b=b)] == ["a", "a"]
    both = declare({"use": "final"}, {**best, "co_primary": True}, a=a, b=b)
    assert [result.declared.pairs[0].p for result in both] == pytest.approx([0.03857, 0.03857], abs=1e-5)
    assert [result.declared.pairs[0].adjusted for result in both] == pytest.approx([0.07714, 0.07714], abs=1e-5)
    assert [result.declared.pairs[0].shown for result in both] == ["", ""]


def test_all_deltas_are_measured_and_the_first_is_tested(declare):
    (result,) = declare(
        {"use": "trials_to_within", "deltas": [1, 0.5, 2]}, plateaus={"values": {"a": 4, "b": 5}, "source": "pilot"}
    )
    assert [one.delta for one in result.measurements] == [1, 0.5, 2]
    assert np.isfinite(result.declared.pairs[0].adjusted)
    assert np.isnan(result.measurements[1].pairs[0].adjusted)


def test_held_out_replicates_set_the_plateau_and_are_not_judged(declare):
    a, b = np.concatenate([A, A]), np.concatenate([B, B])
    (regret, final) = declare({"use": "confirmed_regret"}, {"use": "final"}, a=a, b=b, plateaus={"held_out": 2})
    # In a search, whose best so far is confirmed, the finals are 4, 5 and 3, 4.
    assert regret.replicates.tolist() == final.replicates.tolist() == [2, 3, 4, 5]
    assert [view.plateau for view in regret.declared.views] == [4.5, 3.5]
    assert len(final.declared.pairs[0].differences) == 4


def test_claims_are_about_the_declared_endpoints_of_the_judged_replicates(make_confirmed):
    """Trials to within 1 of the plateaus 4 and 5: a takes 3, 2, 3 and b 3, 2, 3; the held-out replicate is no part of it."""
    fresh = {"a": np.repeat(A[:, :, None], 2, axis=2), "b": np.repeat(B[:, :, None], 2, axis=2)}
    claims = [
        {"claim": "x", "metric": "trials_to_within", "of": {"view": "a"}, "above": 1},
        {"claim": "y", "metric": "final", "of": {"view": "a"}, "above": 0},
    ]
    endpoints = [
        {"use": "trials_to_within", "deltas": [1, 2]},
        {"use": "trials_to_within", "deltas": [3], "plateau": "best"},
        {"use": "final"},
    ]
    analysis = {"endpoints": endpoints, "criteria": claims}
    given = {"values": {"a": 4, "b": 5}, "source": "a pilot"}
    trials, final = analyze(make_confirmed({"a": A, "b": B}, fresh, plateaus=given, **analysis)).criteria
    assert (trials.contrasts[0].mean, trials.contrasts[0].replicates) == (pytest.approx(8 / 3), 3)
    assert final.contrasts[0].mean == pytest.approx((4 + 5 + 3) / 3)
    trials, _ = analyze(make_confirmed({"a": A, "b": B}, fresh, plateaus={"held_out": 1}, **analysis)).criteria
    assert trials.contrasts[0].replicates == 2


@pytest.mark.parametrize("use", ["confirmed_regret", "trials_to_within"])
def test_a_claim_about_an_endpoint_without_declared_plateaus_has_its_interval(make_confirmed, use):
    """Each replicate is judged against the others, so the values of the replicates alone would give another interval."""
    rng = np.random.default_rng(4)
    values = {view: rng.normal(size=(9, 6)).cumsum(axis=1) for view in "ab"}
    fresh = {view: np.repeat(of_view[:, :, None], 2, axis=2) for view, of_view in values.items()}
    claim = {"claim": "x", "metric": use, "of": {"view": "a"}, "minus": {"view": "b"}, "below": 99}
    endpoint = {"use": use, **({"deltas": [0.5]} if use == "trials_to_within" else {})}
    results = analyze(make_confirmed(values, fresh, endpoints=[endpoint], criteria=[claim]))
    (contrast,), (pair,) = results.criteria[0].contrasts, results.declared[0].declared.pairs
    e = pair.estimate
    assert (contrast.mean, contrast.low, contrast.high) == pytest.approx((e.value, e.low, e.high))
    alone = stats.ttest_1samp(pair.differences, 0).confidence_interval(0.95)
    assert abs(contrast.high - alone.high) > 0.01


def test_trials_to_target_are_those_of_the_observed_values(declare):
    (result,) = declare({"use": "trials_to_target"}, target={"value": 3})
    views = result.declared.views
    assert [view.values.tolist() for view in views] == [[3, 2, 3], [1, 2, 3]]
    assert [view.reached for view in views] == [3, 3]
    assert result.declared.pairs[0].attainable == pytest.approx((8 / 3 - 3, 3 - 2))


def test_replicates_that_are_not_confirmed_in_all_views_are_not_judged(make_confirmed):
    fresh = {"a": np.repeat(A[:, :, None], 2, axis=2), "b": np.repeat(B[:, :, None], 2, axis=2)[:, :, :1]}
    source = make_confirmed({"a": A, "b": B}, fresh, seeds=2, endpoints=[{"use": "final"}, {"use": "trials_to_target"}])
    final, target = analyze(source).declared
    assert (final.replicates.size, final.declared) == (0, None)
    assert target.replicates.tolist() == [0, 1, 2]


def test_equal_differences_have_the_p_of_their_signs():
    (pair,) = measurement(FINAL, None, judged(B + 1, B), [("a", "b")], 0.95).pairs
    assert pair.p == 2.0**-2
    (pair,) = measurement(FINAL, None, judged(B, B), [("a", "b")], 0.95).pairs
    assert pair.p == 1.0


def curves(rng, n, plateau, half_life, trials=15):
    """Confirmed curves that approach a plateau, with a spread of speeds, a level of their own and the noise of fresh seeds."""
    speed = half_life * rng.lognormal(0, 0.3, size=(n, 1))
    level = plateau + rng.normal(0, 0.02, size=(n, 1))
    return level - 0.3 * 0.5 ** (np.arange(trials) / speed) + rng.normal(0, 0.005, size=(n, trials))


@pytest.mark.parametrize("endpoint", [REGRET, BEST, within(0.03)], ids=["own", "best", "within"])
@pytest.mark.parametrize("source", ["declared", "others"])
def test_intervals_cover_a_known_truth(endpoint, source):
    """400 studies of 20 replicates in which a is slower and ends lower; the truth comes from 100,000 replicates."""
    delta = endpoint.deltas[0] if endpoint.deltas else None
    rng = np.random.default_rng(6)
    known = {"a": 0.5, "b": 0.52}
    many = EndpointInputs(Goal.MAXIMIZE, {"a": curves(rng, 100_000, 0.5, 4), "b": curves(rng, 100_000, 0.52, 2)}, known)
    truth = {view: found.values.mean() for view, found in endpoint_values(endpoint, delta, many).items()}
    if source == "others":
        # The curves end a little below the level that they approach.
        finals = {view: curve[:, -1].mean() for view, curve in many.curves.items()}
        limit = endpoint_values(endpoint, delta, EndpointInputs(Goal.MAXIMIZE, many.curves, finals))
        truth = {view: found.values.mean() for view, found in limit.items()}
    hits = 0
    for _ in range(400):
        study = EndpointInputs(
            Goal.MAXIMIZE,
            {"a": curves(rng, 20, 0.5, 4), "b": curves(rng, 20, 0.52, 2)},
            known if source == "declared" else None,
        )
        (pair,) = measurement(endpoint, delta, study, [("a", "b")], 0.95).pairs
        hits += pair.estimate.low <= truth["a"] - truth["b"] <= pair.estimate.high
    assert 0.925 <= hits / 400 <= 0.98


def test_a_claim_about_two_replicates_that_set_their_plateaus_has_no_interval(make_confirmed):
    claim = {"claim": "a", "metric": "confirmed_regret", "of": {"view": "a"}, "minus": {"view": "b"}, "below": 1000}
    values = {"a": A[:2], "b": B[:2]}
    fresh = {view: np.asarray(of)[:, :, None] for view, of in values.items()}
    results = analyze(make_confirmed(values, fresh, endpoints=[{"use": "confirmed_regret"}], criteria=[claim]))
    (pair,) = results.declared[0].declared.pairs
    (contrast,) = results.criteria[0].contrasts
    assert np.isnan(pair.estimate.low)
    assert (np.isnan(contrast.low), contrast.verdict) == (True, "inconclusive")
    assert contrast.mean == pytest.approx(pair.estimate.value)


def test_differences_that_are_equal_apart_from_rounding_have_the_p_of_equal_ones():
    a = np.array([[0.41], [0.52], [0.33]])
    b = a - 0.1
    assert np.ptp(a - b) > 0
    (pair,) = measurement(FINAL, None, judged(a, b), [("a", "b")], 0.95).pairs
    assert (pair.sd, pair.p) == (0.0, 0.25)
    assert pair.estimate.low == pair.estimate.high == pytest.approx(0.1)
