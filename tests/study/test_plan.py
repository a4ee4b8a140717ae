from hypothesis import given
from hypothesis import strategies as st

from hpstudy.study.plan import Plan, SearchKey
from hpstudy.study.schema import Confirm, Study
from tests.support.plans import planned_trials


def test_searches_run_replicate_by_replicate_with_views_in_file_order(toy):
    assert Plan(toy).searches() == tuple(SearchKey(view, replicate) for replicate in range(3) for view in ("a", "b"))


def test_the_plan_counts_all_trials(toy):
    assert sum(planned_trials(toy).values()) == 2 * 3 * 6


def test_every_search_has_its_number_of_trials_in_run_order(toy):
    planned = planned_trials(toy)
    assert tuple(planned) == Plan(toy).searches()
    assert set(planned.values()) == {6}


def test_one_worker_takes_the_sum_of_all_trials(toy):
    assert Plan(toy).duration_s(planned_trials(toy), {"a": 1.0, "b": 10.0}, workers=1) == 18 * 1 + 18 * 10


def test_more_workers_than_searches_take_as_long_as_the_longest_search(toy):
    assert Plan(toy).duration_s(planned_trials(toy), {"a": 1.0, "b": 10.0}, workers=50) == 60


def test_a_finished_study_takes_no_time(toy):
    left = dict.fromkeys(Plan(toy).searches(), 0)
    assert Plan(toy).duration_s(left, {"a": 1.0, "b": 1.0}, workers=2) == 0


@given(seconds=st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), workers=st.integers(1, 8))
def test_the_time_lies_between_perfect_balance_and_one_worker(seconds, workers):
    space = {"x": {"type": "float", "low": 0, "high": 1}}
    study = Study.model_validate(
        {
            "name": "s",
            "task": {"use": "toy"},
            "metric": {"name": "m", "goal": "minimize"},
            "views": {"a": {"space": space}, "b": {"space": space}},
            "search": {"trials": 5},
            "replicates": 4,
        }
    )
    trial_s = dict(zip("ab", seconds, strict=True))
    total = 20 * sum(seconds)
    taken = Plan(study).duration_s(planned_trials(study), trial_s, workers)
    assert total / workers <= taken * (1 + 1e-9)
    assert taken <= total * (1 + 1e-9)


def grouped(toy, **keys):
    search = toy.search.model_copy(update={"lockstep": 2})
    return toy.model_copy(update={"search": search, "replicates": 4, **keys})


def test_in_lockstep_searches_run_group_by_group(toy):
    groups = Plan(grouped(toy, confirm=Confirm(seeds=3))).groups()
    expected = [tuple(SearchKey(view, replicate) for replicate in slots) for slots in ((0, 1), (2, 3)) for view in ("a", "b")]
    assert list(groups[:4]) == expected
    assert list(groups[4:]) == [(SearchKey(f"{view}/confirm", replicate),) for replicate in range(4) for view in ("a", "b")]


def test_controls_run_in_lockstep_too(toy):
    groups = Plan(grouped(toy, controls=("default", "random"))).groups()
    assert {(group[0].view, len(group)) for group in groups} == {
        (f"{v}{arm}", 2) for v in "ab" for arm in ("", "/default", "/random")
    }


def test_a_study_that_is_not_in_lockstep_has_groups_of_one_search(toy):
    assert Plan(toy).groups() == tuple((key,) for key in Plan(toy).searches())


def test_trials_that_are_trained_together_have_one_worker(toy):
    plan, seconds = Plan(grouped(toy)), {"a": 1.0, "b": 10.0}
    assert plan.duration_s(planned_trials(plan.study), seconds, workers=50, stacks=True) == 2 * 60
    assert plan.duration_s(planned_trials(plan.study), seconds, workers=50, stacks=False) == 60
    assert Plan(toy).duration_s(planned_trials(toy), seconds, workers=50, stacks=True) == 60
    confirmed = Plan(grouped(toy, confirm=Confirm(seeds=3)))
    left = {SearchKey("a/confirm", 0): 7}
    assert confirmed.duration_s(left, {"a/confirm": 1.0}, workers=2, stacks=True) == 4
    assert confirmed.duration_s(left, {"a/confirm": 1.0}, workers=50, stacks=True) == 3
    assert confirmed.duration_s(left, {"a/confirm": 1.0}, workers=50, stacks=False) == 1
