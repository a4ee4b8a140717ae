import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.exploration.importance import FEWEST, _sobol_indices, importance

SEARCHES, TRIALS = 10, 15
SEARCH = np.repeat(np.arange(SEARCHES), TRIALS)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr("hpstudy.analysis.exploration.importance.RESAMPLES", 30)


def uniform(columns, seed=0):
    return np.random.default_rng(seed).random((SEARCHES * TRIALS, columns))


def test_a_hyperparameter_that_matters_ten_times_as_much_comes_first_and_its_interval_excludes_the_others():
    unit = uniform(4)
    noise = np.random.default_rng(1).normal(0, 0.1, len(unit))
    found = importance(unit, unit[:, 0] + 10 * unit[:, 2] + noise, SEARCH, 0, 0.95)
    for shares in (found.alone, found.total):
        assert np.argmax(shares.value) == 2
        assert shares.low[2] > np.delete(shares.high, 2).max()
    assert found.explained > 0.9
    assert (found.searches, found.trials) == (SEARCHES, SEARCHES * TRIALS)


def test_shares_of_a_sum_are_those_of_the_variances():
    unit = uniform(2)
    found = importance(unit, unit[:, 0] + 2 * unit[:, 1], SEARCH, 0, 0.95)
    assert found.alone.value == pytest.approx([0.2, 0.8], abs=0.07)  # 1 : 4
    assert found.total.value == pytest.approx(found.alone.value, abs=0.03)


def test_a_pure_interaction_counts_for_both_but_for_neither_alone():
    unit = uniform(2)
    found = importance(unit, np.sign((unit[:, 0] - 0.5) * (unit[:, 1] - 0.5)), SEARCH, 0, 0.95)
    assert found.alone.value.max() < 0.2
    assert found.total.value.min() > 0.7


def test_intervals_of_independent_studies_mostly_hold_the_true_share():
    covered = 0
    for seed in range(8):
        unit = uniform(2, seed)
        noise = np.random.default_rng(100 + seed).normal(0, 0.3, len(unit))
        found = importance(unit, unit[:, 0] + 2 * unit[:, 1] + noise, SEARCH, seed, 0.95)
        covered += found.alone.low[1] <= 0.8 <= found.alone.high[1]
        assert found.alone.low[1] < found.alone.value[1] < found.alone.high[1]
    assert covered >= 6


def test_noise_alone_is_not_explained():
    unit = uniform(3)
    found = importance(unit, np.random.default_rng(5).normal(size=len(unit)), SEARCH, 0, 0.95)
    assert found.explained < 0.1


def test_the_same_seed_gives_the_same_numbers_and_another_does_not():
    unit = uniform(2)
    values = unit[:, 0] + unit[:, 1]
    first, again, other = (importance(unit, values, SEARCH, seed, 0.95) for seed in (3, 3, 4))
    assert first.alone.low.tolist() == again.alone.low.tolist()
    assert first.total.value.tolist() == again.total.value.tolist()
    assert first.alone.value.tolist() != other.alone.value.tolist()


def test_a_single_search_has_shares_but_no_intervals():
    unit = uniform(2)
    found = importance(unit, unit[:, 0], np.zeros(len(unit), dtype=np.int64), 0, 0.95)
    assert found.alone.value[0] > 0.9
    assert np.isnan(found.alone.low).all()
    assert np.isnan(found.explained)


def test_nothing_is_explained_of_few_trials_or_of_equal_values():
    unit = uniform(2)
    assert importance(unit, np.ones(len(unit)), SEARCH, 0, 0.95) is None
    assert importance(unit[: FEWEST - 1], unit[: FEWEST - 1, 0], SEARCH[: FEWEST - 1], 0, 0.95) is None


def test_indices_are_bit_equal_to_those_of_scipy():
    rng = np.random.default_rng(2)
    for hyperparameters in (2, 5):
        a, b = rng.normal(0.5, 0.1, size=(2, 1, 64))
        mixed = rng.normal(0.5, 0.1, size=(hyperparameters, 1, 64))
        theirs = stats.sobol_indices(func={"f_A": a, "f_B": b, "f_AB": mixed}, n=64)
        expected = np.array([theirs.first_order, theirs.total_order]).reshape(2, hyperparameters)
        np.testing.assert_array_equal(_sobol_indices(a, b, mixed), expected)
