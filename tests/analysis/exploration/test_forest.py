import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from hpstudy.analysis.exploration.forest import LEAF, fit


@pytest.mark.parametrize("seed", [1, 12_345_678_901])
@pytest.mark.parametrize("trees", [1, 16, 64])
def test_a_forest_predicts_what_that_of_scikit_learn_predicts(seed, trees):
    rng = np.random.default_rng(0)
    unit = rng.random((200, 4))
    objective = np.sin(5 * unit[:, 0]) + rng.normal(0, 0.1, 200)
    points = rng.random((1_000, 4))
    theirs = ExtraTreesRegressor(n_estimators=trees, min_samples_leaf=LEAF, random_state=seed % 2**32)
    theirs.fit(unit.astype(np.float32), objective)
    np.testing.assert_array_equal(fit(unit, objective, seed, trees).predict(points), theirs.predict(points.astype(np.float32)))


def test_the_order_in_which_points_are_looked_up_does_not_change_a_prediction():
    rng = np.random.default_rng(1)
    forest = fit(rng.random((100, 3)), rng.random(100), 5)
    points = rng.random((500, 3))
    order = rng.permutation(500)
    np.testing.assert_array_equal(forest.predict(points, order), forest.predict(points))


def test_the_leaf_order_puts_the_points_of_a_leaf_next_to_each_other():
    rng = np.random.default_rng(2)
    forest = fit(rng.random((100, 3)), rng.random(100), 5, trees=1)
    points = rng.random((500, 3))
    (tree,) = forest.trees
    leaves = tree.apply(points[forest.leaf_order(points)].astype(np.float32))
    assert np.count_nonzero(np.diff(leaves)) == len(np.unique(leaves)) - 1
