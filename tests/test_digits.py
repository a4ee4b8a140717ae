import math

import pytest

from hpstudy.digits import distinguishing_digits


@pytest.mark.parametrize(
    ("values", "digits"),
    [
        ([], 6),
        ([1.0], 6),
        ([1.0, 2.0], 6),
        ([1e12, 1e12 + 1], 13),
        ([-1e12, -1e12 - 1], 13),
        ([0.123456, 0.1234561], 7),
        ([1.0, math.nextafter(1.0, 2.0)], 6),  # equal up to rounding
        ([0.1 + 0.2, 0.3, 1.0], 6),
        ([1e300, math.inf, math.nan, 1.0], 6),
    ],
)
def test_values_that_differ_get_the_digits_that_tell_them_apart(values, digits):
    assert distinguishing_digits(values, 6) == digits
    written = [f"{value:.{digits}g}" for value in values]
    if digits > 6:
        assert len(set(written)) == len(values)


def test_a_difference_far_below_the_spread_of_a_column_is_noise():
    assert distinguishing_digits([0.5, 0.5 + 1e-10, 1e6], 6) == 6
    assert distinguishing_digits([0.5, 0.5 + 1e-10], 6) == 10
