from pathlib import Path

import pytest

from hpstudy.errors import StudyChanged
from hpstudy.loading.bind import bind
from hpstudy.study.changes import changes, growth, refuse_changes, shrinkage, time_limit_changes
from hpstudy.study.schema import Study


def edited(study, *path, value):
    """The study with the value at a path of keys replaced; None removes it."""
    tree = study.model_dump(mode="json")
    block = tree
    for name in path[:-1]:
        block = block[name]
    if value is None:
        del block[path[-1]]
    else:
        block[path[-1]] = value
    return Study.model_validate(tree)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [([True, False], [1, 0], "[true, false] -> [1, 0]"), ([1, 2], [1.0, 2.0], "[1, 2] -> [1.0, 2.0]")],
)
def test_choices_that_are_equal_but_of_another_type_are_a_change(toy, old, new, shown):
    before, after = (
        edited(toy, "views", "a", "space", "kind", value={"type": "choice", "values": values}) for values in (old, new)
    )
    assert before.fingerprint() != after.fingerprint()
    assert changes(before, after) == [f"views.a.space.kind.values: {shown}"]


def test_points_that_are_equal_but_of_another_type_are_a_change(toy):
    before, after = (edited(toy, "task", "widths", value=[{"x": value}]) for value in (1, True))
    assert [line.partition(":")[0] for line in changes(before, after)] == ["task.widths"]


def test_a_study_does_not_differ_from_itself(toy):
    assert changes(toy, toy) == growth(toy, toy) == shrinkage(toy, toy) == []


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("views", "a", "space", "rate", "high"), 10, "views.a.space.rate.high: 1 -> 10"),
        (("views", "a", "space", "rate", "log"), False, "views.a.space.rate.log: true -> false"),
        (("views", "a", "space", "rate", "default"), 0.1, "views.a.space.rate.default: null -> 0.1"),
        (("views", "a", "fixed", "width"), 3, "views.a.fixed.width: 2 -> 3"),
        (("views", "a", "fixed", "width"), 2.0, "views.a.fixed.width: 2 -> 2.0"),
        (("views", "a", "fixed", "width"), None, "views.a.fixed.width: 2 -> absent"),
        (("task", "widths"), [4, 8], "task.widths: [4, 4] -> [4, 8]"),
        (("task", "inner", "size"), 2, "task.inner.size: 1 -> 2"),
        (("search", "searcher"), "random", "search.searcher: toy -> random"),
        (("seed",), 1, "seed: 0 -> 1"),
        (("metric", "goal"), "minimize", "metric.goal: maximize -> minimize"),
        (("limits", "max_attempts"), 9, "limits.max_attempts: 3 -> 9"),
    ],
)
def test_a_changed_determinant_is_one_line_with_both_values(toy, path, value, line):
    assert changes(toy, edited(toy, *path, value=value))[0] == line


def test_hyperparameters_in_another_order_are_a_change(toy):
    space = toy.model_dump(mode="json")["views"]["b"]["space"]
    turned = edited(toy, "views", "b", "space", value=dict(reversed(space.items())))
    assert changes(toy, turned) == ["views.b.order: [rate, width] -> [width, rate]"]


def test_views_in_another_order_are_no_change(toy):
    views = toy.model_dump(mode="json")["views"]
    assert changes(toy, edited(toy, "views", value=dict(reversed(views.items())))) == []


def test_a_removed_view_is_a_change(toy):
    assert any(
        line.startswith("views.b.space.rate.low: 0 -> absent") for line in changes(toy, edited(toy, "views", "b", value=None))
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("name",), "other"),
        (("question",), "why?"),
        (("replicates",), 9),
        (("search", "trials"), 9),
        (("views", "a", "label"), "A"),
        (("views", "a", "note"), "so"),
        (("limits", "max_failures"), 99),
        (("limits", "timeout_s"), 60.0),
        (("resources",), {"gpus": 1}),
        (("analysis", "margin"), 0.5),
        (("analysis", "budgets"), [3]),
        (("analysis", "compare"), [["b", "a"]]),
    ],
)
def test_growth_and_remarks_are_no_changes(toy, path, value):
    new = edited(toy, *path, value=value)
    assert changes(toy, new) == []
    assert growth(toy, new)[0].startswith(".".join(path))


def test_budgets_that_follow_the_number_of_trials_are_no_change(toy):
    more = toy.model_copy(update={"search": toy.search.model_copy(update={"trials": 9})})
    assert changes(toy, bind(more).study) == []
    assert growth(toy, bind(more).study) == ["search.trials: 6 -> 9", "analysis.budgets: [6] -> [6, 9]"]


def test_a_smaller_size_is_shrinkage(toy):
    assert shrinkage(toy, edited(toy, "replicates", value=2)) == ["replicates: 3 -> 2"]
    assert shrinkage(toy, edited(toy, "search", "trials", value=5)) == ["search.trials: 6 -> 5"]


def test_a_changed_study_is_refused_with_every_changed_key(toy):
    new = edited(edited(edited(toy, "seed", value=1), "task", "depth", value=3), "replicates", value=1)
    with pytest.raises(StudyChanged) as caught:
        refuse_changes(toy, new, Path("runs/toy.sqlite"))
    assert caught.value.message.splitlines() == [
        "the study is not the one in runs/toy.sqlite:",
        "  seed: 0 -> 1",
        "  task.depth: 2 -> 3",
        "  replicates: 3 -> 1 (may grow, not shrink)",
    ]


@pytest.mark.parametrize(
    ("before", "after", "timed_out", "longest_s", "lines"),
    [
        (60.0, 60.0, 3, 60.0, []),
        (60.0, 120.0, 0, 59.0, []),
        (60.0, None, 0, 59.0, []),
        (60.0, 120.0, 1, 60.0, ["limits.timeout_s: 60 -> 120 (1 trial has ended at the old limit)"]),
        (60.0, None, 2, 60.0, ["limits.timeout_s: 60 -> null (2 trials have ended at the old limit)"]),
        (60.0, 40.0, 0, 39.5, []),
        (60.0, 40.0, 0, 41.5, ["limits.timeout_s: 60 -> 40 (a stored trial took 41.5 s)"]),
        (None, 40.0, 0, 41.5, ["limits.timeout_s: null -> 40 (a stored trial took 41.5 s)"]),
    ],
)
def test_a_time_limit_may_change_unless_a_stored_trial_would_have_ended_otherwise(
    toy, before, after, timed_out, longest_s, lines
):
    old, new = (
        toy.model_copy(update={"limits": toy.limits.model_copy(update={"timeout_s": limit})}) for limit in (before, after)
    )
    assert time_limit_changes(old, new, timed_out, longest_s) == lines


def test_a_grown_study_is_accepted(toy):
    refuse_changes(toy, edited(toy, "replicates", value=99), Path("runs/toy.sqlite"))
