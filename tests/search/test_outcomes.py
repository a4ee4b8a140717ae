"""The values that a surrogate is fitted to."""

import numpy as np
import pytest

from hpstudy.search.outcomes import standardized


def test_low_outliers_are_clipped_and_high_ones_are_not():
    # The quartiles are 0 and 4, so that values below -6 are outliers.
    clipped = np.array([-6.0, 0.0, 1.0, 2.0, 3.0, 4.0, 100.0])
    expected = (clipped - clipped.mean()) / clipped.std(ddof=1)
    assert standardized([-100.0, *clipped[1:]]) == pytest.approx(expected)
