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
