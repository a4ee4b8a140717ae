import math

import numpy as np

from hpstudy.report.chapters.completeness import completeness
from hpstudy.report.chapters.failures import failures
from hpstudy.report.chapters.spaces import hyperparameters
from hpstudy.report.chapters.target import trials_differences, trials_to_target
from hpstudy.report.charts.best_so_far import caption_and_reading
from tests.support.reports import tables_of


def test_every_row_of_every_table_has_a_cell_for_each_title(results):
    for table in tables_of(results):
        assert {len(row) for row in table.rows} == {len(table.head)}, table.caption


def test_completeness_counts_add_up_to_the_plan(results):
    for row in completeness(results).rows:
        assert sum(int(cell) for cell in row[3:]) == int(row[2])


def test_a_view_is_named_with_its_label(make_results, ramps):
    found = make_results({"a": ramps()}, labels={"a": "the long way"})
    assert completeness(found).rows[0][0] == "a (the long way)"


def test_trials_that_wait_for_a_first_value_are_noted(make_results):
    found = make_results({"a": np.array([[math.nan, 1.0, 2.0]])})
    assert "1 finished trial precedes the first value" in completeness(found).note
    assert "1 trial before the first value of its search counts as the worst value" in caption_and_reading(found)[1]


def test_trials_of_a_view_without_a_value_wait_for_none(make_results, ramps):
    found = make_results({"a": ramps(), "b": np.full((6, 10), math.nan)})
    assert "first value" not in completeness(found).note
    assert "first value" not in caption_and_reading(found)[1]


def test_a_level_that_is_a_statistic_has_a_second_interval(make_results, ramps):
    found = make_results({"a": ramps(3), "b": ramps()}, analysis={"target": {"view": "b"}})
    table = trials_differences(found)
    assert "–" not in table.rows[0][6]
    assert "computes it in every resample" in table.note


def test_a_declared_level_has_no_second_interval(results):
    assert trials_differences(results).rows[0][6:8] == ("−1.7 to 4.7", "–")


def test_a_median_that_is_not_reached_is_said_so(make_results, ramps):
    found = make_results({"a": ramps(7)}, analysis={"target": {"value": 5}})
    assert trials_to_target(found).rows[0][3] == "not reached"


def test_the_best_point_stands_beside_its_search_space(results):
    table = hyperparameters(results, results.views[0])
    assert table.rows[0] == ("rate", "1e-5 to 1", "float, log", "0.003162")
    assert table.rows[2] == ("nesterov", "fixed", "", "true")


def test_a_view_without_values_has_a_search_space_and_no_best_point(make_results):
    found = make_results({"a": np.full((1, 2), math.nan)})
    assert hyperparameters(found, found.views[0]).rows[0][3] == "–"


def test_only_the_most_frequent_failures_are_listed(make_results):
    shape = (1, 30)
    found = make_results(
        {"a": np.ones(shape)}, states={"a": np.full(shape, "failed", dtype=object)}, error=("ValueError", "no such thing")
    )
    assert failures(found).rows == (("a", "failed", "ValueError: no such thing", "replicate 0, trial 0", "30"),)


def test_a_study_without_failures_has_no_table_of_failures(results):
    assert failures(results).rows == ()
