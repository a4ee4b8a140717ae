import math

import numpy as np
import pytest

from hpstudy.report import numbers


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.90334, 4, "0.9033"),
        (-0.5, 1, "−0.5"),
        (-0.0001, 2, "0.00"),
        (math.nan, 2, "–"),
        (12345.6, 0, "12346"),
        (1e12, 2, "1000000000000"),
        (1e12, -10, "1e12"),
    ],
)
def test_a_metric_has_the_decimals_asked_for(value, decimals, text):
    assert numbers.metric(value, decimals) == text


def test_a_metric_that_would_need_many_decimals_has_significant_digits():
    assert numbers.metric(1.23456e-9, 11) == "1.235e−9"


@pytest.mark.parametrize(
    ("value", "text"), [(0.00012345, "0.0001234"), (1e-7, "1e-7"), (True, "true"), (3, "3"), ("none", "none"), (-0.5, "-0.5")]
)
def test_a_hyperparameter_reads_as_in_a_study_file(value, text):
    assert numbers.hyperparameter(value) == text


@pytest.mark.parametrize(("p", "text"), [(1e-7, "< 0.001"), (0.0123, "= 0.012"), (0.5, "= 0.50")])
def test_a_p_value_has_digits_where_they_matter(p, text):
    assert numbers.p_value(p) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0000582, "0.058 ms"), (0.0081, "8.1 ms"), (0, "0 s"), (0.5, "0.5 s"), (600, "10 min"), (36_000, "10.0 h")],
)
def test_a_duration_has_a_unit_that_suits_it(seconds, text):
    assert numbers.duration(seconds) == text


def test_decimals_follow_the_standard_error(make_results, ramps):
    fine = make_results({"a": ramps() * 1e-3})
    coarse = make_results({"a": ramps() * 1e3})
    assert numbers.decimals_of(fine) > numbers.decimals_of(coarse) == 0


def test_a_study_without_values_still_has_decimals(make_results):
    assert numbers.decimals_of(make_results({"a": [[math.nan]]})) == 3


def test_an_interval_is_written_as_its_ends_and_missing_without_them():
    assert numbers.interval(-1, 2.5, numbers.trials) == "−1.0 to 2.5"
    assert numbers.interval(math.nan, math.nan, numbers.trials) == "–"


@pytest.mark.parametrize(("p", "text"), [(1e-7, "< 0.001"), (0.0123, "0.012")])
def test_a_p_value_in_a_column_has_no_equals_sign(p, text):
    assert numbers.p_cell(p) == text


@pytest.mark.parametrize(("number", "text"), [(1, "1 search"), (2, "2 searches"), (1200, "1,200 searches")])
def test_several_things_are_in_the_plural(number, text):
    assert numbers.things(number, "search", "es") == text


def test_large_values_of_a_metric_keep_the_digits_of_their_standard_error(make_results):
    noise = 1e12 + np.array([[0.0, 1, 2], [1, 2, 5], [0, 3, 4]])
    found = make_results({"a": noise, "b": noise + 3})
    decimals = numbers.decimals_of(found)
    assert numbers.metric(1e12 + 4, decimals) != numbers.metric(1e12 + 5, decimals)
    assert numbers.metric(1e12 + 4, -11) == numbers.metric(1e12 + 5, -11) == "1e12"
    assert numbers.metric(123.4, -1) == "123"


def test_values_of_a_hyperparameter_are_told_apart():
    assert numbers.hyperparameters([0.1, 0.2]) == ["0.1", "0.2"]
    assert numbers.hyperparameters([1000.001, 1000.002, True, "gradient"]) == ["1000.001", "1000.002", "true", "gradient"]
