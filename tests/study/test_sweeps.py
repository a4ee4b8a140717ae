"""Sweeps in study files: what is accepted, and what is said of mistakes, with file and line."""

from pathlib import Path

import pytest

from hpstudy.loading.bind import bind
from hpstudy.loading.load import load_study
from hpstudy.loading.make import make_searcher
from hpstudy.study.changes import changes

STUDY = """\
name: sweep
task: {use: toy}
metric: {name: score, goal: maximize}
views:
  a:
    space:
      rate: {type: float, low: 1e-4, high: 10, log: true}
  b:
    space:
      rate: {type: float, low: 0, high: 1}
      width: {type: int, low: 1, high: 8}
replicates: 3
search:
  trials: 2
"""

POINTS = (
    STUDY
    + """\
  searcher: points
  points:
    - {rate: 1e-3, width: 2}
    - {rate: 1, width: 8}
"""
)

GRID = (
    STUDY
    + """\
  searcher: grid
  levels: {rate: 2}
  values:
    width: [8]
"""
)


def tried(study, view):
    searcher, space = make_searcher(study.search), study.views[view].space
    return [searcher.ask(space, (), goal="maximize", seed=0, number=number) for number in range(study.search.trials)]


def test_listed_points_are_tried_in_every_view(write):
    study = load_study(write(s_yaml=POINTS))
    assert tried(study, "a") == [{"rate": 0.001}, {"rate": 1.0}]
    assert tried(study, "b") == [{"rate": 0.001, "width": 2}, {"rate": 1.0, "width": 8}]


def test_a_grid_is_tried_in_every_view(write):
    study = load_study(write(s_yaml=GRID))
    assert tried(study, "a") == [{"rate": 0.0001}, {"rate": 10.0}]
    assert tried(study, "b") == [{"rate": 0.0, "width": 8}, {"rate": 1.0, "width": 8}]


@pytest.mark.parametrize("text", [POINTS, GRID])
def test_a_resolved_sweep_stays_itself(write, text):
    study = load_study(write(s_yaml=text))
    assert bind(study).study == study
    assert type(study).from_json(study.to_json()).fingerprint() == study.fingerprint()


def test_points_of_another_file_are_reported_where_they_stand(write, refused):
    write(sweep_yaml="searcher: points\ntrials: 1\npoints:\n  - rate: 1\n    width: 9\n")
    text = STUDY.replace("search:\n  trials: 2", "search: sweep.yaml")
    assert refused(text) == ["sweep.yaml:5: search.points.0.width: view 'b': must be a whole number in [1, 8], not 9"]


MISTAKES = [
    (POINTS, "trials: 2", "trials: 3", ["14: search.trials: must be 2, the number of points in the list, not 3"]),
    (
        POINTS,
        "1, width: 8",
        "-1, width: 8",
        [
            "18: search.points.1.rate: view 'a': must be a number in [0.0001, 10], not -1",
            "18: search.points.1.rate: view 'b': must be a number in [0, 1], not -1",
        ],
    ),
    (POINTS, "1, width: 8", "1, width: 9", ["18: search.points.1.width: view 'b': must be a whole number in [1, 8], not 9"]),
    (
        POINTS,
        "1, width: 8",
        "'1', width: 8",
        [
            "18: search.points.1.rate: view 'a': must be a number in [0.0001, 10], not '1'",
            "18: search.points.1.rate: view 'b': must be a number in [0, 1], not '1'",
        ],
    ),
    (POINTS, "1, width: 8", "1", ["18: search.points.1: view 'b': point 2 of the list gives no value of 'width'"]),
    (POINTS, "rate: 1, ", "", ["18: search.points.1: point 2 of the list gives no value of 'rate'"]),
    (
        POINTS,
        "width: 8}",
        "widht: 8}",
        [
            "18: search.points.1.widht: no view tunes 'widht': did you mean 'width'? valid: rate, width",
            "18: search.points.1: view 'b': point 2 of the list gives no value of 'width'",
        ],
    ),
    (
        POINTS,
        "rate: 1, width: 8",
        "rate: 1e-3, width: 2",
        ["16: search.points: point 2 of the list repeats point 1: remove it ('replicates' repeats all points)"],
    ),
    (
        POINTS,
        "rate: 1, width: 8",
        "rate: null, width: 8",
        ["18: search.points.1.rate: must be true or false or a number or text, not null"],
    ),
    (GRID, "trials: 2", "trials: 4", ["14: search.trials: must be 2, the number of points of the grid, not 4"]),
    (GRID, "[8]", "[8, 4]", ["14: search.trials: view 'b': must be 4, the number of points of the grid, not 2"]),
    (GRID, "rate: 2", "rate: 1", ["16: search.levels.rate: must be at least 2, not 1"]),
    (
        GRID,
        "rate: 2",
        "rate: 2, depth: 2",
        ["16: search.levels.depth: no view tunes 'depth': did you mean 'width'? valid: rate, width"],
    ),
    (GRID, "width: [8]", "width: [8, 8.5]", ["18: search.values.width.1: view 'b': must be a whole number in [1, 8], not 8.5"]),
    (GRID, "[8]", "8", ["18: search.values.width: must be a list, not 8"]),
    (GRID, "[8]", "[]", ["18: search.values.width: must have 1 or more entries, not 0"]),
    (
        GRID,
        "  values:\n    width: [8]\n",
        "",
        [
            "13: search: view 'b': the grid has no values of 'width', a whole number in [1, 8]: write 'levels: {width: 5}', or list "
            "them in 'values'"
        ],
    ),
]


@pytest.mark.parametrize(("text", "right", "wrong", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_in_a_sweep_is_told_with_its_line(refused, text, right, wrong, said):
    assert right in text
    assert refused(text.replace(right, wrong)) == [f"toy.yaml:{line}" for line in said]


def test_a_view_with_mistakes_of_form_hides_no_hyperparameter_of_the_list(refused):
    lines = refused(POINTS.replace("high: 8}", "high: 0}"))
    assert lines == ["toy.yaml:11: views.b.space.width: low (1) must be smaller than high (0)"]


def test_what_the_list_of_a_stored_study_gains_is_another_study(write):
    stored = load_study(write(s_yaml=POINTS))
    grown = load_study(write(t_yaml=POINTS.replace("trials: 2", "trials: 3") + "    - {rate: 0.5, width: 4}\n"))
    assert [line.split(":")[0] for line in changes(stored, grown)] == ["search.points"]


def test_the_sweeps_in_the_documentation_are_valid(write):
    blocks = Path(__file__).parents[2].joinpath("docs/reference/study-file.md").read_text(encoding="utf-8").split("```yaml\n")
    sweeps = [
        load_study(write(documented_yaml=block.split("```")[0]))
        for block in blocks
        if "searcher: grid" in block or "searcher: points" in block
    ]
    assert [study.name for study in sweeps] == ["steps", "grid"]
    assert {point["x1"] for point in tried(sweeps[1], "both")} == {-5, 0, 5, 10}
