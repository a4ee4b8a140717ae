import numpy as np
import pytest

from hpstudy.analysis.exploration.range_ends import boundary_hits, unit_coordinates


def test_points_at_the_ends_are_counted_side_by_side():
    found = boundary_hits("rate", np.array([0.0, 0.05, 0.06, 0.5, 0.94, 0.96, 1.0]), 0.95)
    assert (found.at_low, found.at_high, found.searches) == (2, 2, 7)
    assert found.share == pytest.approx(4 / 7)


def test_the_interval_of_the_share_is_wilsons():
    found = boundary_hits("rate", np.r_[np.zeros(5), np.full(15, 0.5)], 0.95)
    # Newcombe (1998), Stat. Med. 17, gives the formula; by hand for 5 of 20.
    assert (found.low, found.high) == pytest.approx((0.1119, 0.4687), abs=1e-4)


def test_without_points_there_is_no_share():
    assert np.isnan(boundary_hits("rate", np.zeros(0), 0.95).share)


def test_a_log_range_is_measured_in_decades():
    np.testing.assert_allclose(unit_coordinates(np.array([1e-4, 1e-3, 1.0]), 1e-4, 1.0, log=True), [0, 0.25, 1])
    np.testing.assert_allclose(unit_coordinates(np.array([2.0, 3.0]), 2, 4, log=False), [0, 0.5])
