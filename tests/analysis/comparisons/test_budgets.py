import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis import analyze
from hpstudy.analysis.comparisons.budgets import budget_difference, common, difference_curve, view_budget
from hpstudy.analysis.comparisons.margin import shown_side, verdict
from hpstudy.analysis.statistics.bootstrap import Bootstrap
from hpstudy.analysis.statistics.permutation import sign_flip
from hpstudy.goal import Goal

BOOTSTRAP = Bootstrap(seed=1, resamples=2000, confidence=0.95)


def compare(a, b, goal=Goal.MAXIMIZE):
    return budget_difference(np.array(a, dtype=float)[:, None], np.array(b, dtype=float)[:, None], 1, goal, BOOTSTRAP, seed=0)


def test_a_view_is_described_over_the_searches_that_have_come_so_far():
    found = view_budget(np.array([[1.0, 2.0], [3.0, 6.0], [5.0, np.nan]]), 2, BOOTSTRAP)
    assert (found.searches, found.mean, found.median) == (2, 4, 4)
    assert found.sd == pytest.approx(np.std([2, 6], ddof=1))


def test_a_view_without_searches_at_a_budget_has_no_numbers():
    found = view_budget(np.full((2, 3), np.nan), 3, BOOTSTRAP)
    assert found.searches == 0
    assert np.isnan(found.mean)


def test_the_difference_curve_is_the_difference_of_the_means():
    a, b = np.random.default_rng(0).normal(size=(2, 9, 4))
    np.testing.assert_allclose(difference_curve(a, b, BOOTSTRAP).mean, a.mean(axis=0) - b.mean(axis=0))


def test_what_is_common_to_both_views_cancels():
    shared = np.random.default_rng(1).normal(0, 100, size=(9, 1))
    a, b = np.random.default_rng(0).normal(size=(2, 9, 4))
    plain, noisy = difference_curve(a, b, BOOTSTRAP), difference_curve(a + shared, b + shared, BOOTSTRAP)
    np.testing.assert_allclose(plain.low, noisy.low, atol=1e-9)


def test_a_band_above_zero_is_named_by_its_trials():
    difference = np.tile([0.0, 0.0, 5.0, 5.0], (6, 1)) + np.random.default_rng(0).normal(0, 0.1, (6, 4))
    curve = difference_curve(difference - difference.mean(axis=0) + [0, 0, 5, 5], np.zeros((6, 4)), BOOTSTRAP)
    assert curve.excludes_zero == ((3, 4),)


def test_one_replicate_has_no_band():
    assert difference_curve(np.ones((1, 2)), np.zeros((1, 2)), BOOTSTRAP).band is None


@pytest.mark.parametrize(("goal", "wins", "losses"), [(Goal.MAXIMIZE, 1, 2), (Goal.MINIMIZE, 2, 1)])
def test_wins_follow_the_goal(goal, wins, losses):
    found = compare([3, 1, 1, 5], [2, 2, 2, 5], goal)
    assert (found.wins, found.ties, found.losses) == (wins, 1, losses)


def test_the_mean_difference_keeps_the_metrics_sign_whatever_the_goal():
    assert compare([3, 3, 4], [1, 1, 1], Goal.MINIMIZE).mean == compare([3, 3, 4], [1, 1, 1], Goal.MAXIMIZE).mean > 0


def test_the_effect_is_the_mean_over_the_spread_of_the_differences():
    found = compare([1, 2, 3], [0, 0, 0])
    assert found.effect == pytest.approx(2.0)


def test_the_correlation_of_equal_views_is_one():
    assert compare([1, 2, 3], [2, 3, 4]).correlation == pytest.approx(1)


def test_views_that_do_not_vary_have_no_correlation():
    assert np.isnan(compare([1, 1, 1], [2, 3, 4]).correlation)


def test_the_interval_of_a_difference_is_students():
    found = compare([1, 2, 3, 6], [0, 0, 0, 0])
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 3, loc=3, scale=stats.sem([1, 2, 3, 6])))


def test_a_difference_alone_has_no_verdict():
    found = compare([1, 2, 3], [0, 0, 0])
    assert (found.shown, found.verdict) == (None, None)


@pytest.mark.parametrize(
    ("low", "high", "p", "side"),
    [
        (1, 2, 0.01, 1),
        (-2, -1, 0.01, -1),
        (-1, 1, 0.01, 0),
        (0, 1, 0.01, 0),
        (-1, 0, 0.01, 0),
        (1, 2, 0.05, 0),
        (-2, -1, 0.091, 0),
        (np.nan, np.nan, 0.01, None),
    ],
)
def test_a_difference_is_shown_by_its_interval_and_its_adjusted_test(low, high, p, side):
    assert shown_side(low, high, p, 0.05) == side


@pytest.mark.parametrize(
    ("shift", "spread", "expected"),
    [
        (0.0, 0.1, "equivalent"),
        (3.0, 0.1, "superior"),
        (-3.0, 0.1, "inferior"),
        (0.5, 5.0, "non-inferior"),
        (0.0, 10.0, "inconclusive"),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_margin(shift, spread, expected):
    gain = shift + spread * np.linspace(-1, 1, 41)
    assert verdict(gain, 1.0, sign_flip(gain, 0).p, BOOTSTRAP) == expected


def test_a_small_but_certain_gain_within_the_margin_is_equivalent():
    assert verdict(0.1 + 0.01 * np.linspace(-1, 1, 29), 1.0, 1e-5, BOOTSTRAP) == "equivalent"


def test_with_fewer_replicates_than_can_hold_a_rare_loss_nothing_is_called_equivalent_or_non_inferior():
    noise = np.linspace(-1, 1, 28)
    assert verdict(0.1 * noise, 1.0, 1.0, BOOTSTRAP) == "inconclusive"
    assert verdict(0.8 + 3 * noise, 1.0, 0.2, BOOTSTRAP) == "inconclusive"


@pytest.mark.parametrize(("shift", "verdicts"), [(3.0, ("superior", "inconclusive")), (-3.0, ("inferior", "inconclusive"))])
def test_superior_and_inferior_need_the_adjusted_test(shift, verdicts):
    gain = shift + 0.1 * np.linspace(-1, 1, 20)
    assert tuple(verdict(gain, 1.0, p, BOOTSTRAP) for p in (0.049, 0.14)) == verdicts


def rare_losses(rng, n, share):
    """Differences whose mean is -1, the margin: a share of the searches loses much, the others nothing."""
    return 0.3 * rng.normal(size=n) - (rng.random(n) < share) / share


@pytest.mark.parametrize("n", [5, 10, 20, 29, 40])
def test_rare_large_losses_are_seldom_called_equivalent(n):
    rng = np.random.default_rng(n)
    bootstrap = Bootstrap(seed=1, resamples=500, confidence=0.95)
    wrong = sum(verdict(rare_losses(rng, n, 0.1), 1.0, 1.0, bootstrap) == "equivalent" for _ in range(400))
    assert wrong / 400 < 0.06 + 2 * np.sqrt(0.06 * 0.94 / 400)


def study(make_source, *pairs, **analysis):
    """Views of one trial each, compared in pairs; every pair is the (replicates,) values of its two views."""
    compare = [(f"a{place}", f"b{place}") for place in range(len(pairs))]
    blocks = zip([name for names in compare for name in names], [block for pair in pairs for block in pair], strict=True)
    values = {name: np.array(block, dtype=float)[:, None] for name, block in blocks}
    return analyze(make_source(values, compare=compare, target={"value": 0.0}, **analysis))


def test_what_a_difference_shows_counts_all_tests_of_the_study(make_source):
    apart, alike = (np.arange(1.0, 7), np.zeros(6)), (np.array([1.0, -1, 1, -1, 1, -1]), np.zeros(6))  # p = 2 / 64, and 1
    (alone,) = study(make_source, apart, margin=0.1).pairs
    assert (alone.budgets[0].adjusted, alone.budgets[0].shown, alone.budgets[0].verdict) == (2 / 64, 1, "superior")
    first, second = study(make_source, apart, alike, margin=0.1).pairs
    assert (first.budgets[0].adjusted, first.budgets[0].shown, first.budgets[0].verdict) == (4 / 64, 0, "inconclusive")
    assert first.budgets[0].low > 0
    assert (second.budgets[0].adjusted, second.budgets[0].shown) == (1, 0)
    assert study(make_source, apart).pairs[0].budgets[0].verdict is None


@pytest.mark.parametrize("n", [20, 10, 5])
def test_views_that_are_alike_are_seldom_called_superior_or_inferior_at_any_budget(make_source, n):
    rng, words, studies = np.random.default_rng(n), 0, 150
    for _ in range(studies):
        source = make_source({name: rng.normal(size=(n, 6)) for name in "ab"}, budgets=[1, 3], margin=0.1)
        words += any(budget.verdict in ("superior", "inferior") for budget in analyze(source).pairs[0].budgets)
    assert words / studies < 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / studies)


def test_only_replicates_complete_in_both_views_are_common():
    assert common(np.array([True, True, False]), np.array([False, True, True])).tolist() == [1]
