from dataclasses import fields

from hpstudy.store import STATES, Counts, by_arm
from hpstudy.study.plan import SearchKey

COUNTS = Counts(planned=20, running=1, completed=2, diverged=3, failed=4, timed_out=5)


def test_there_is_a_count_of_every_state_in_the_order_of_states():
    assert tuple(field.name for field in fields(Counts)) == ("planned", *STATES, "estimated")
    assert tuple(COUNTS.by_state) == STATES


def test_running_trials_are_not_finished():
    assert (COUNTS.finished, COUNTS.left) == (14, 6)


def test_a_total_adds_every_count():
    assert Counts.total([COUNTS, Counts(1, completed=1, estimated=1), COUNTS]) == Counts(41, 2, 5, 6, 8, 10, 1)
    assert Counts.total([]) == Counts()


def test_the_counts_of_an_arm_are_those_of_its_searches():
    counts = {SearchKey("a", 0): COUNTS, SearchKey("b", 0): Counts(7), SearchKey("a", 1): Counts(2, completed=1)}
    assert by_arm(counts) == {"a": Counts.total([COUNTS, Counts(2, completed=1)]), "b": Counts(7)}


def test_trials_without_a_value_are_named_only_where_none_completed():
    assert Counts(planned=9, diverged=2, timed_out=1, running=1).no_value == "No trial has a value: 2 diverged, 1 timed out."
    assert Counts(planned=9, diverged=2, completed=1).no_value == ""
    assert Counts(planned=9, running=1).no_value == ""
