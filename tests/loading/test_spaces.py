"""Mistakes in conditions and constraints are told with their line and what would be valid."""

from pathlib import Path
from textwrap import indent

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


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("kernel: rbf, gamma: 0.7, n: 1, m: 2, rate: 0.1", ""),
        ("kernel: linear, n: 1, m: 2, rate: 1", ""),
        ("kernel: linear, n: 1, m: 2", "views.a.enqueue.0: the point has no value of 'rate', a number in [0.0001, 1]"),
        ("kernel: rbf, n: 1, m: 2, rate: 1", "the point has no value of 'gamma', a number in [0.5, 1]"),
        (
            "kernel: linear, gamma: 0.7, n: 1, m: 2, rate: 1",
            "the condition of 'gamma' does not hold in this point: remove the value",
        ),
        ("kernel: linear, n: 1, m: 2, rate: 3", "enqueue.0.rate: must be a number in [0.0001, 1], not 3"),
        ("kernel: linear, n: 1, m: 2, rate: 1, rat: 1", "the view does not tune 'rat': did you mean 'rate'?"),
        ("kernel: linear, n: 3, m: 2, rate: 1", "the point violates the constraint 'n <= m'"),
    ],
)
def test_enqueued_points_are_points_of_the_space(text, refused, write, point, said):
    made = text().replace("    fixed:", f"    enqueue:\n      - {{{point}}}\n    fixed:")
    if not said:
        assert len(load_study(write(toy_yaml=made)).views["a"].enqueue) == 1
        return
    (line,) = refused(made)
    assert line.startswith("toy.yaml:15: ")
    assert said in line


def test_more_enqueued_points_than_trials_are_refused(text, refused):
    points = "".join(f"      - {{kernel: linear, n: {n}, m: 9, rate: 1}}\n" for n in range(7))
    (line,) = refused(text().replace("    fixed:", f"    enqueue:\n{points}    fixed:"))
    assert "7 points do not fit into a search of 6 trials: enqueue fewer, or raise 'trials'" in line


def test_a_sweep_has_no_enqueued_points(text, refused):
    point = "{kernel: linear, n: 0, m: 9, rate: 1}"
    made = text().replace("    fixed:", f"    enqueue: [{point}]\n    fixed:")
    made = made.replace("{searcher: ax, trials: 6}", f"{{searcher: points, trials: 1, points: [{point}]}}")
    (line,) = refused(made)
    assert "enqueued points are for searches, and a sweep lists its points: add them to the sweep" in line


def test_the_spaces_in_the_documentation_are_valid(text, write):
    head, tail = text().split("views:\n")[0], "search: {searcher: ax, trials: 6}\nreplicates: 1\n"
    page = Path(__file__).parents[2].joinpath("docs/reference/study-file.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in page.partition("## Spaces")[2].partition("\n## ")[0].split("```yaml\n")[1:]]
    views = [block if block.startswith("views:") else "views:\n  a:\n" + indent(block, "    ") for block in blocks]
    read = [load_study(write(toy_yaml=head + block + tail)).views for block in views]
    assert [list(found) for found in read] == [["a"], ["kernels"], ["schedule"], ["sgd"]]
    assert read[0]["a"].space.root["dropout"].count == 6
    assert read[1]["kernels"].space.is_conditional
    assert len(read[2]["schedule"].constraints) == 3
    assert len(read[3]["sgd"].enqueue) == 2
