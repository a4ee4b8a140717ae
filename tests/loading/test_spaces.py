"""Mistakes in conditions and constraints are told with their line and what would be valid."""

import pytest

from hpstudy.loading.load import load_study

STUDY = """\
version: 1
name: spaces
task: {use: "hpstudy_users_task:f"}
metric: {name: value, goal: minimize}
views:
  a:
    space:
      kernel: {type: choice, values: [linear, rbf]}
      gamma: {type: float, low: 0.5, high: 1, WHEN}
      n: {type: int, low: 0, high: 10}
      m: {type: int, low: 0, high: 10}
      rate: {type: float, low: 1e-4, high: 1, log: true}
    constraints: [CONSTRAINT]
    fixed: {held: 3}
search: {searcher: SEARCHER, trials: 6}
replicates: 1
"""


@pytest.fixture
def text(tmp_path):
    """The study with some parts: text(when="kernel: rbf", constraint="n <= m")."""
    (tmp_path / "hpstudy_users_task.py").write_text("def f(params, seed):\n    return 0.0\n")

    def make(when="kernel: rbf", constraint="n <= m", searcher="ax"):
        parts = {"WHEN": f"when: {{{when}}}", "CONSTRAINT": f'"{constraint}"' if constraint else "", "SEARCHER": searcher}
        made = STUDY
        for name, part in parts.items():
            made = made.replace(name, part)
        return made

    return make


def test_a_study_with_both_is_read(text, write):
    study = load_study(write(toy_yaml=text()))
    assert study.views["a"].constraints == ("n <= m",)
    assert study.views["a"].space.constraints
    assert type(study).from_json(study.to_json()) == study


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (
            "kernle: rbf",
            "toy.yaml:9: views.a.space.gamma.when.kernle: no hyperparameter of this view is called 'kernle': did you mean",
        ),
        ("held: 3", "'held' is fixed in this view: remove the condition, or tune 'held'"),
        ("n: 3", "a condition is about hyperparameters that are above it in 'space': move 'n' up"),
        ("gamma: 1", "above it in 'space': move 'gamma' up"),
        ("kernel: poly", "views.a.space.gamma.when.kernel: must be one of 'linear', 'rbf', not 'poly'"),
        ("kernel: [rbf, 3]", "must be one of 'linear', 'rbf', not 3"),
        ("kernel: []", "lists no value of 'kernel': give one or more"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(text, refused, when, said):
    (line,) = refused(text(when=when))
    assert said in line


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ("n * m <= 3", "toy.yaml:13: views.a.constraints[0]"),
        ("n <= o", "no hyperparameter of this view is called 'o': "),
        ("n <= held", "'held' is fixed in this view: write its value, 3"),
        ("n <= kernel", "'kernel' is a choice, and a constraint relates ranges of numbers"),
        ("n + 1 <= m", "the default point violates it (n 5, m 5): give 'default' values that satisfy it"),
        ("n + m <= 0", "the default point violates it"),
    ],
)
def test_a_constraint_that_cannot_be_is_refused(text, refused, constraint, said):
    lines = refused(text(constraint=constraint))
    assert any(said.replace("[0]", ".0") in line or said in line for line in lines), lines


def test_constraints_that_leave_almost_nothing_are_refused(text, refused):
    made = text(constraint="n + m <= 0").replace("high: 10}", "high: 100, default: 0}")
    assert any("less than 1% of the points of the space satisfy the constraints" in line for line in refused(made))


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ("n <= rate", "is not linear where 'rate' is searched on a log scale: relate two log ranges, as in 'a <= 2*b'"),
        ("gamma <= n", "relates hyperparameters with different conditions"),
    ],
)
def test_ax_refuses_what_it_cannot_keep_to_and_sobol_takes_it(text, refused, write, constraint, said):
    made = text(constraint=constraint).replace("n: {type: int, low: 0, high: 10}", "n: {type: int, low: 0, high: 10, default: 0}")
    made = made.replace("gamma: {type: float, low: 0.5, high: 1", "gamma: {type: float, low: 0.5, high: 4")
    (line,) = refused(made)
    assert "search.searcher" in line
    assert said in line
    assert load_study(write(toy_yaml=made.replace("searcher: ax", "searcher: sobol"))).views["a"].constraints == (constraint,)
