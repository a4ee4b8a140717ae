import dataclasses
import math
import re

import numpy as np
import pytest

from hpstudy.analysis.comparisons.curve_distance import Distance
from hpstudy.analysis.supplement.study import supplement
from hpstudy.report import distances, headline, numbers, wording
from hpstudy.report.final_best import at_the_end
from tests.support.reports import tables_of
from tests.support.sources import MemorySource


def states(shape, finished):
    """State names of searches that have finished this many of their trials."""
    return np.where(np.arange(shape[1]) < np.array(finished)[:, None], "completed", "missing").astype(object)


def test_more_trials_with_an_interval_above_zero(results):
    assert headline(results) == (
        "The a view needs more trials than the b view. "
        "Trials to reach score ≥ 5, a minus b: 3.0 (95% CI 3.0 to 3.0; attainable −1.7 to 4.7)."
    )


def test_fewer_trials_with_an_interval_below_zero(make_results, ramps):
    swapped = make_results({"a": ramps(), "b": ramps(3)}, analysis={"target": {"value": 5}})
    assert headline(swapped) == (
        "The a view needs fewer trials than the b view. "
        "Trials to reach score ≥ 5, a minus b: −3.0 (95% CI −3.0 to −3.0; attainable −4.7 to 1.7)."
    )


def test_the_ends_of_an_interval_of_fewer_trials_are_in_ascending_order(make_results, ramps):
    slow = ramps(3, 1)
    slow[:2] = ramps(5, 1)[:2]
    found = make_results({"a": ramps(0, 2), "b": slow}, analysis={"target": {"value": 5}})
    pair = found.pairs[0].trials
    assert f"CI −{abs(pair.low):.1f} to −{abs(pair.high):.1f}; attainable" in headline(found)
    assert pair.low < pair.high < 0


def test_an_interval_around_zero_shows_no_difference(make_results, ramps):
    noisy = ramps(0, 2, n=12)
    noisy[::2] = ramps(2, 3, n=12)[::2]
    other = ramps(0, 2, n=12)
    other[1::2] = ramps(2, 3, n=12)[1::2]
    text = headline(make_results({"a": noisy, "b": other}, analysis={"target": {"value": 5}}))
    assert text.startswith("No difference shown. Trials to reach score ≥ 5, a minus b: ")
    assert re.search(r"CI −[\d.]+ to [\d.]+; attainable −[\d.]+ to [\d.]+\)\.", text)
    assert re.search(r" A true difference of [\d.]+ trials is found with 80% power\.$", text)


def test_an_interval_without_0_shows_nothing_where_the_test_does_not_reject(make_results, ramps):
    """Of 6 paired differences the smallest has another sign: the sign-flip p is 4 of 64."""
    slow = ramps(3, 1, n=6)
    slow[0] = ramps(0, 2, n=6)[0] + 0.01
    found = make_results({"a": slow, "b": ramps(0, 2, n=6)}, analysis={"target": {"value": 5}, "margin": 0.5})
    pair = found.pairs[0]
    assert pair.budgets[-1].high < 0
    assert pair.budgets[-1].adjusted == 4 / 64
    end = at_the_end(found, pair)
    assert "No difference shown. The interval excludes 0, but the sign-flip test does not reject (p = 0.062)." in end
    assert " is found with 80% power." in end
    assert "ends better" not in end
    assert "inferior" not in end


def test_a_test_that_rejects_only_without_its_correction_says_so(make_results, ramps):
    slow = ramps(3, 1, n=8)
    found = make_results({"a": slow, "b": ramps(0, 2, n=8)}, analysis={"target": {"value": 5}, "budgets": [2, 4]})
    last = found.pairs[0].budgets[-1]
    unsure = dataclasses.replace(last, adjusted=0.07, shown=0)
    assert unsure.test.p < unsure.adjusted
    end = at_the_end(found, dataclasses.replace(found.pairs[0], budgets=(unsure,)))
    assert "The interval excludes 0, but the test, adjusted for all comparisons, does not reject (p = 0.070)." in end


def test_replicates_that_can_show_nothing_are_named_and_no_power_is_claimed(make_results, ramps):
    """With 5 replicates the smallest p of a sign-flip test is 0.0625."""
    found = make_results({"a": ramps(3, 1, n=5), "b": ramps(0, 2, n=5)}, analysis={"target": {"value": 5}, "margin": 0.5})
    pair = found.pairs[0]
    assert pair.trials.low > 0
    assert pair.budgets[-1].high < 0
    for text in (headline(found), at_the_end(found, pair)):
        assert "No difference shown. " in text
        assert "The interval excludes 0, but 5 replicates cannot show a difference: no adjusted p is below 0.062." in text
        assert "80% power" not in text
        assert "ends better" not in text


def test_equal_views_need_as_many_trials(make_results, ramps):
    text = headline(make_results({"a": ramps(), "b": ramps()}, analysis={"target": {"value": 5}}))
    assert text.startswith(
        "No difference shown. Trials to reach score ≥ 5, a minus b: 0.0 (95% CI 0.0 to 0.0; attainable −4.7 to 4.7)."
    )


def test_a_target_that_nobody_reaches_compares_nothing(make_results, ramps):
    text = headline(make_results({"a": ramps(3), "b": ramps()}, analysis={"target": {"value": 99}}))
    assert text == (
        "Neither the a view nor the b view reached score ≥ 99 within 10 trials in any of 6 replicates: "
        "how many trials they need cannot be compared."
    )


def test_a_minimized_target_is_an_upper_bound(make_results, ramps):
    text = headline(make_results({"a": -ramps(3), "b": -ramps()}, goal="minimize", analysis={"target": {"value": -5}}))
    assert "Trials to reach score ≤ −5, a minus b: 3.0" in text


def test_one_view_compares_nothing(make_results, ramps):
    text = headline(make_results({"a": ramps()}, analysis={"target": {"value": 5}}))
    assert text.startswith(
        "This study has one view, a, so nothing is compared. The best score after all 10 trials has the mean 10."
    )
    assert " over 6 searches. 6 of 6 complete searches reached score ≥ 5, the declared target, within 10 trials, at" in text


def test_one_view_without_a_value_says_so(make_results):
    text = headline(make_results({"a": np.full((3, 4), np.nan)}))
    assert text == "This study has one view, a, so nothing is compared. No trial has a value."


def test_three_views_have_a_sentence_for_each_pair(make_results, ramps):
    text = headline(make_results({"a": ramps(3), "b": ramps(), "c": ramps(5)}, analysis={"target": {"value": 4}}))
    assert text.count(" to reach ") == 3


def test_one_replicate_says_that_it_says_nothing(make_results, ramps):
    text = headline(make_results({"a": ramps(3, n=1), "b": ramps(n=1)}, analysis={"target": {"value": 4}}))
    assert text.startswith("In the one complete replicate the a view took 3.0 trials more than the b view")
    assert "CI" not in text


def test_without_a_complete_replicate_nothing_is_compared(make_results, ramps):
    values = {"a": ramps(), "b": ramps()}
    text = headline(make_results(values, states={"a": states((6, 10), [4] * 6)}))
    assert text == "PROVISIONAL: No replicate is complete in both the a view and the b view yet: they cannot be compared."


def test_a_half_finished_study_is_provisional_and_says_on_how_many_replicates_it_stands(make_results, ramps):
    found = make_results(
        {"a": ramps(3, n=8), "b": ramps(n=8)}, states={"b": states((8, 10), [*[10] * 6, 4, 0])}, analysis={"target": {"value": 5}}
    )
    assert headline(found).startswith("PROVISIONAL: Trials to reach score ≥ 5, a minus b: 3.0 (95% CI")
    assert "over 6 paired replicates" in wording.evidence(found, found.pairs[0])[0]


def test_a_study_that_failed_from_the_start_says_so(make_results):
    nothing = np.full((2, 3), math.nan)
    text = headline(make_results({"a": nothing, "b": nothing}))
    assert text == "No trial has a value: the a view and the b view cannot be compared."


def test_searches_that_miss_the_target_on_the_slower_side_make_a_lower_bound(make_results, ramps):
    found = make_results({"a": ramps(7), "b": ramps()}, analysis={"target": {"value": 5}})
    sample = wording.evidence(found, found.pairs[0])[0]
    assert "Searches that did not reach it count as 10 trials (a 6 of 6)" in sample
    assert sample.endswith("so the difference is a lower bound.")


def test_searches_that_miss_the_target_on_both_sides_bound_nothing(make_results, ramps):
    a, b = ramps(3), ramps()
    a[0] = b[1] = 0
    found = make_results({"a": a, "b": b}, analysis={"target": {"value": 5}})
    assert wording.evidence(found, found.pairs[0])[0].endswith("this is the difference within 10 trials.")


def test_searches_that_miss_the_target_on_the_faster_side_are_said_to_favor_it(make_results, ramps):
    b = ramps()
    b[0] = 0
    found = make_results({"a": ramps(4), "b": b}, analysis={"target": {"value": 5}})
    assert wording.evidence(found, found.pairs[0])[0].endswith("which favors b.")


def test_the_margin_has_a_verdict(make_results, ramps):
    found = make_results({"a": ramps(3, 1), "b": ramps(0, 2)}, analysis={"margin": 0.5})
    assert "Against the margin of 0.5, a is inferior to b." in at_the_end(found, found.pairs[0])


def test_a_verdict_of_equivalence_is_withheld_with_the_reason_where_replicates_are_few(make_results, ramps):
    few, many = (make_results({"a": ramps(0, 1, n), "b": ramps(0, 1, n)}, analysis={"margin": 0.5}) for n in (28, 29))
    assert at_the_end(few, few.pairs[0]).endswith(
        "Equivalence within 0.5 is not judged with fewer than 29 replicates: a large loss in a tenth of the searches may be absent from "
        "these 28."
    )
    assert at_the_end(many, many.pairs[0]).endswith("Against the margin of 0.5, a is equivalent to b.")


def test_an_end_of_an_interval_has_the_digits_that_show_on_which_side_of_the_margin_it_lies():
    assert numbers.telling_decimals(4, (-0.00502, 0.0038), (-0.005, 0.005)) == 5
    assert numbers.telling_decimals(4, (-0.0050, 0.0038), (-0.005, 0.005)) == 4
    assert numbers.telling_decimals(2, (-0.001, 0.5), (0.0,)) == 3


def test_a_view_that_never_gave_a_value_is_said_to_and_has_no_interval(make_results, ramps):
    found = make_results({"a": np.full((6, 10), math.nan), "b": ramps()}, analysis={"target": {"value": 5}, "margin": 0.5})
    assert headline(found) == "The a view gave no value in 60 trials: the a view and the b view cannot be compared."
    (pair,) = found.pairs
    assert (pair.curve, pair.budgets, pair.trials) == (None, (), None)
    assert math.isnan(found.view("a").budgets[-1].mean)
    assert found.view("b").budgets[-1].mean == pytest.approx(found.view("b").best[:, -1].mean())


def test_a_view_that_never_reached_the_target_needs_at_least_so_many_trials_more(make_results, ramps):
    text = headline(make_results({"a": ramps(7), "b": ramps()}, analysis={"target": {"value": 5}}))
    assert text == (
        "The a view never reached score ≥ 5 in 6 of 6 searches of 10 trials. The b view reached it in 6 of 6, with a mean of 5.3 trials "
        "within 10. So the a view needs at least 4.7 trials more on average; the exact number is not known."
    )


def test_two_views_that_miss_the_target_give_no_bound(make_results, ramps):
    best = ramps(n=8)
    best[0] = np.minimum(best[0], 4)
    found = make_results({"a": ramps(7, n=8), "b": best}, analysis={"target": {"value": 5}})
    mean = found.pairs[0].trials.mean_b
    assert headline(found) == (
        f"The a view never reached score ≥ 5 in 8 of 8 searches of 10 trials. The b view reached it in 7 of 8, with a mean of {mean:.1f} "
        f"trials within 10. If a search that does not reach it counts as 10 trials, the a view "
        f"needs {10 - mean:.1f} trials more on average."
    )


def test_the_better_end_of_a_minimized_metric_is_the_lower_one(make_results, ramps):
    found = make_results({"a": -ramps(), "b": -ramps(3)}, goal="minimize", analysis={"target": {"value": -5}})
    assert found.pairs[0].budgets[-1].mean < 0
    assert " a ends better." in at_the_end(found, found.pairs[0])


def test_few_replicates_are_called_rough(make_results, ramps):
    found = make_results({"a": ramps(3, n=4), "b": ramps(n=4)}, analysis={"target": {"value": 5}})
    text = " ".join(wording.evidence(found, found.pairs[0]))
    assert "With 4 replicates every interval is rough." in text
    assert "The interval excludes 0, but 4 replicates cannot show a difference: no adjusted p is below 0.12." in text


PLAIN = Distance(None, 5.0, 8, 5, 3.0, 2.0, 4.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "value", "interval"),
    [
        ({}, "3", "2 to 4"),
        ({"high": math.inf}, "3", "2 to more than 5"),
        ({"trial_a": None, "difference": math.inf, "high": math.inf}, "more than 5", "2 to more than 5"),
        ({"trial_a": None, "difference": math.inf, "low": math.inf, "high": math.inf}, "more than 5", "more than 5"),
        ({"trial_b": None, "difference": -math.inf, "low": -math.inf, "high": -1.0}, "less than −2", "less than −2 to −1"),
        (
            {"trial_a": None, "trial_b": None, "difference": math.nan, "low": -math.inf, "high": math.inf},
            "neither reaches it",
            "unbounded",
        ),
        ({"low": math.nan, "high": math.nan}, "3", "–"),
    ],
)
def test_a_censored_distance_is_a_bound(changes, value, interval):
    distance = dataclasses.replace(PLAIN, **changes)
    assert distances.value(distance, 10) == value
    assert distances.interval(distance, 10) == interval


def test_the_reading_of_figure_8_names_both_trials(results):
    text = distances.along_trials(results, results.pairs[0].distances[0], results.pairs[0])
    distance = results.pairs[0].distances[0]
    assert f"a reaches this level at trial {distance.trial_a}, that of b at trial {distance.trial_b}: a is 3 trials later" in text


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        (((3, 3),), "trial 3"),
        (((3, 7),), "trials 3 to 7"),
        (((1, 2), (4, 4)), "trials 1 to 2, 4"),
        (((1, 1), (3, 3), (5, 5), (7, 9)), "trials 1, 3, 5 and 1 more run"),
    ],
)
def test_runs_of_trials_read_as_text(runs, text):
    assert wording.run_text(runs) == text


def test_the_answer_has_the_ratio_of_the_mean_trials(results):
    """It is computed only in a thorough analysis."""
    table = MemorySource(results.study, {view.name: view.searches.values for view in results.views}).trials()
    extended = dataclasses.replace(results, supplement=supplement(results.views, results.pairs, results.endpoints, table))
    trials = extended.pairs[0].trials
    text = " ".join(wording.evidence(extended, extended.pairs[0]))
    assert f"Ratio of the means, a to b: {trials.mean_a / trials.mean_b:.2f}. " in text
    (ratios,) = (table for table in tables_of(extended) if table.caption == "Trials-to-target as a ratio.")
    assert re.fullmatch(r"[\d.]+ to [\d.]+", ratios.rows[0][2])
    assert "with fewer than 10 replicates they are too short" in ratios.note
    assert "Ratio of the means" not in " ".join(wording.evidence(results, results.pairs[0]))
