"""Claims in study files: what is accepted, and what is said of those that a study cannot answer."""

import subprocess
import sys
from pathlib import Path

import pytest

from hpstudy.loading.bind import bind
from hpstudy.loading.claims import listed_points, selected_points
from hpstudy.loading.load import load_study
from hpstudy.loading.make import make_searcher
from hpstudy.study.declaration import Selection
from hpstudy.study.schema import Study

HEAD = """\
name: claims
task: {use: toy}
metric: {name: score, goal: maximize}
replicates: 3
views:
  a: {space: {rate: {type: float, low: 1e-4, high: 10, log: true}, width: {type: int, low: 1, high: 8}}}
  b: {space: {rate: {type: float, low: 1e-4, high: 10, log: true}}, fixed: {width: 3}}
"""
SWEEP = (
    HEAD
    + """\
search:
  searcher: points
  trials: 4
  points: [{rate: 0.01, width: 2}, {rate: 0.1, width: 2}, {rate: 1, width: 2}, {rate: 0.1, width: 4}]
analysis:
  criteria:
    - claim: It is so.
"""
)
SEARCH = (
    HEAD
    + """\
search: {searcher: toy, trials: 6}
analysis:
  criteria:
    - claim: It is so.
"""
)
EACH = "above: 0"
A, B = "of: {view: a}", "minus: {view: b}"


def claim(*lines):
    return "".join(f"      {line}\n" for line in lines)


@pytest.mark.parametrize(
    "lines",
    [
        (A, EACH),
        (A, B, EACH),
        (A, EACH, "epoch: every", "metric: flip_ratio"),
        ("of: {view: a, at: {rate: 1e-2}}", "minus: {view: a, at: {rate: 1, width: 2}}", EACH),
        ("of: {view: a, at: {width: 2}}", "minus: {view: a, at: {width: 4}}", EACH),
        ("of: {view: a, at: {width: 2}}", "shape: rising"),
        (A, "shape: alike", "below: 3"),
    ],
)
def test_claims_that_a_sweep_can_answer_are_accepted(write, lines):
    study = load_study(write(toy_yaml=SWEEP + claim(*lines)))
    assert len(study.analysis.criteria) == 1
    assert bind(study).study == study


@pytest.mark.parametrize(
    "lines",
    [
        (A, EACH),
        ("of: {view: a, best_of: 3}", "minus: {view: a}", EACH),
        ("of: {view: a, best_of: 6}", B, EACH),
        (A, B, EACH, "metric: trials_to_target"),
        (A, B, "above: 4.9", "metric: trials_to_target"),
        (A, EACH, "metric: test_accuracy"),
    ],
)
def test_claims_that_a_search_can_answer_are_accepted(write, lines):
    assert len(load_study(write(toy_yaml=SEARCH + claim(*lines))).analysis.criteria) == 1


SWEPT = [
    (("of: {view: c}", EACH), ["15: of.view: no view is called 'c': valid: a, b"]),
    ((A, "minus: {view: c}", EACH), ["16: minus.view: no view is called 'c': valid: a, b"]),
    (
        ("of: {view: a, at: {rat: 1}}", EACH),
        ["15: of.at.rat: view 'a' does not tune 'rat': did you mean 'rate'? valid: rate, width"],
    ),
    ((A, "minus: {view: b, at: {width: 3}}", EACH), ["16: minus.at.width: view 'b' does not tune 'width': valid: rate"]),
    (("of: {view: a, at: {rate: 0.5}}", EACH), ["15: of.at.rate: no point of the sweep has rate 0.5: valid: 0.01, 0.1, 1.0"]),
    (("of: {view: a, at: {width: '2'}}", EACH), ["15: of.at.width: no point of the sweep has width '2': valid: 2, 4"]),
    (
        ("of:", "  view: a", "  at:", "    rate: 7", "    width: 9", EACH),
        [
            "18: of.at.rate: no point of the sweep has rate 7: valid: 0.01, 0.1, 1.0",
            "19: of.at.width: no point of the sweep has width 9: valid: 2, 4",
        ],
    ),
    (("of: {view: a, at: {rate: 1, width: 4}}", EACH), ["15: of.at: no point of the sweep has these values together"]),
    (
        ("of: {view: a, best_of: 2}", EACH),
        [
            "15: of.best_of: a sweep has no best so far, since its points have no order: leave out 'best_of', and select points "
            "with 'at'"
        ],
    ),
    (
        (A, EACH, "metric: trials_to_target"),
        ["17: metric: a sweep has no trials to a target: name a metric that the task reports"],
    ),
    *(
        (
            ("of: {view: a, at: {width: 4}}", f"shape: {shape}", *more),
            [f"15: of: shape '{shape}' compares points, and only one is selected: select two or more"],
        )
        for shape, *more in (("rising",), ("falling",), ("alike", "below: 1"))
    ),
    (
        (A, "minus: {view: a, at: {width: 2}}", EACH),
        ["16: minus: selects 3 points, and 'of' selects 4: select one, or as many as 'of'"],
    ),
    (
        ("of: {view: a, at: {width: 4}}", B, EACH),
        ["16: minus: selects 4 points, and 'of' selects 1: select one, or as many as 'of'"],
    ),
    (
        (A, "minus: {view: a, at: {width: 4}}", EACH),
        ["16: minus: subtracts a point from itself, which is always 0: select other points"],
    ),
    ((A, "minus: {view: a}", EACH), ["16: minus: subtracts a point from itself, which is always 0: select other points"]),
]


@pytest.mark.parametrize(("lines", "said"), SWEPT, ids=range(len(SWEPT)))
def test_what_a_sweep_cannot_answer_is_told_with_its_line(refused, lines, said):
    prefixes = [line.split(": ", 1) for line in said]
    assert refused(SWEEP + claim(*lines)) == [f"toy.yaml:{line}: analysis.criteria.0.{rest}" for line, rest in prefixes]


SEARCHED = [
    (("of: {view: c}", EACH), ["12: of.view: no view is called 'c': valid: a, b"]),
    (
        (A, "minus: {view: b, at: {rate: 1}}", EACH),
        ["13: minus.at: a search chooses its points itself: leave out 'at', or list the points with the searcher points or grid"],
    ),
    (
        (A, EACH, "epoch: mean"),
        ["14: epoch: a claim about a search is about the final values of its best trial: leave out 'epoch'"],
    ),
    (
        (A, "shape: rising"),
        ["13: shape: shape 'rising' compares points of a sweep, and a search gives one value: leave out 'shape'"],
    ),
    (("of: {view: a, best_of: 7}", EACH), ["12: of.best_of: must be at most 6, the trials of a search, not 7"]),
    (("of: {view: a, best_of: 0}", EACH), ["12: of.best_of: must be at least 1, not 0"]),
    (
        (A, "minus: {view: b, best_of: 3}", EACH, "metric: trials_to_target"),
        ["13: minus.best_of: trials_to_target is about whole searches: leave out 'best_of'"],
    ),
    (
        ("of: {view: a, best_of: 6}", "minus: {view: a}", EACH),
        ["13: minus: is the same as 'of', so that every difference is 0: select something else"],
    ),
    *(
        (
            (A, *side, f"{bound}: {value}", "metric: trials_to_target"),
            [f"{13 + len(side)}: {bound}: {text} with 6 trials per search, so the claim cannot hold"],
        )
        for side, bound, value, text in (
            ((B,), "above", 5, "a difference of trials-to-target is at most 5"),
            ((B,), "below", -5, "a difference of trials-to-target is at least -5"),
            ((), "above", 6, "trials-to-target is at most 6"),
            ((), "below", 1, "trials-to-target is at least 1"),
        )
    ),
    ((A,), ["11: give 'above', 'below' or both: the bounds within which the claim holds"]),
]


@pytest.mark.parametrize(("lines", "said"), SEARCHED, ids=range(len(SEARCHED)))
def test_what_a_search_cannot_answer_is_told_with_its_line(refused, lines, said):
    found = [
        line.replace("analysis.criteria.0.", "").replace("analysis.criteria.0: ", "") for line in refused(SEARCH + claim(*lines))
    ]
    assert found == [f"toy.yaml:{line}" for line in said]


def test_every_claim_is_checked_at_its_own_place(refused):
    lines = refused(SWEEP + claim(A, EACH) + "    - {claim: Another., of: {view: c}, above: 0}\n")
    assert lines == ["toy.yaml:17: analysis.criteria.1.of.view: no view is called 'c': valid: a, b"]


def test_a_claim_in_a_file_of_its_own_is_told_with_that_file(refused):
    lines = refused(
        SEARCH.split("analysis:")[0] + "analysis: claims.yaml", claims_yaml="criteria:\n  - {claim: x, of: {view: c}, above: 0}"
    )
    assert lines == ["claims.yaml:2: analysis.criteria.0.of.view: no view is called 'c': valid: a, b"]


def test_a_long_list_of_valid_values_is_cut(refused):
    text = SWEEP.replace(
        SWEEP[SWEEP.index("  searcher") : SWEEP.index("analysis")],
        "  {searcher: grid, trials: 40, levels: {rate: 20, width: 2}}\n",
    )
    text = text.replace("  b: {space: {rate: {type: float, low: 1e-4, high: 10, log: true}}, fixed: {width: 3}}\n", "")
    (line,) = refused(text + claim("of: {view: a, at: {rate: 3}}", EACH))
    assert line.endswith(", ... (20 in all)")
    assert line.count(",") == 12


def test_no_more_is_said_of_claims_when_the_points_are_wrong(refused):
    lines = refused(SWEEP.replace("trials: 4", "trials: 3") + claim("of: {view: a, at: {rate: 7}}", EACH))
    assert lines == ["toy.yaml:10: search.trials: must be 4, the number of points in the list, not 3"]


def test_no_more_is_said_of_claims_than_names_when_the_searcher_is_wrong(refused):
    lines = refused(SEARCH.replace("searcher: toy", "searcher: non") + claim("of: {view: c, best_of: 99}", EACH, "epoch: mean"))
    assert [line.split(": ")[1] for line in lines] == ["search.searcher", "analysis.criteria.0.of.view"]


def test_a_value_is_found_as_its_author_would_find_it():
    points = [{"rate": 0.001, "width": 2}, {}, {"rate": 0.1, "width": True}, {"rate": 1.0, "width": 1}]
    assert selected_points(Selection(view="a", at={"rate": 1e-3 * (1 + 1e-12)}), points) == [0]
    assert selected_points(Selection(view="a", at={"rate": 1}), points) == [3]
    assert selected_points(Selection(view="a", at={"width": 1}), points) == [3]
    assert selected_points(Selection(view="a"), points) == [0, 2, 3]
    assert selected_points(Selection(view="a", at={"depth": 1}), points) == []


def test_points_are_listed_view_by_view(write):
    study = load_study(write(toy_yaml=SWEEP + claim(A, EACH)))
    searcher = make_searcher(study.search)
    assert [point["rate"] for point in listed_points(searcher, study.views["b"].space, 4)] == [0.01, 0.1, 1, 0.1]
    assert listed_points(searcher, study.views["b"].space, 5) == ()


def test_a_search_lists_no_points(toy):
    assert listed_points(make_searcher(toy.search), toy.views["a"].space, 6) == ()


def test_a_searcher_that_raises_lists_no_points(write, monkeypatch):
    study = load_study(write(toy_yaml=SWEEP + claim(A, EACH)))
    searcher = make_searcher(study.search)
    monkeypatch.setattr(type(searcher), "ask", lambda *_, **__: 1 / 0)
    assert listed_points(searcher, study.views["a"].space, 4) == ()


def test_checking_claims_needs_neither_numpy_nor_torch():
    code = "import sys, hpstudy.loading.check; print({'numpy', 'scipy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


PAGE = Path(__file__).parents[2].joinpath("docs/reference/study-file.md").read_text(encoding="utf-8")


def documented(name, section):
    """The study called `name` in the documentation, with the example of a section below it."""
    blocks = {block.split("```")[0] for block in PAGE.split("```yaml\n")[1:]}
    (study,) = (block for block in blocks if f"\nname: {name}" in f"\n{block}" and "views:" in block and "from:" not in block)
    examples = [part.split("```")[0] for part in PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0].split("```yaml\n")[1:]]
    return study, examples


def test_the_claims_in_the_documentation_can_be_answered(write):
    for name, number, claims in (("steps", 0, 3), ("branin", 1, 3)):
        study, examples = documented(name, "Claims")
        text = study[: study.index("analysis:")] if "analysis:" in study else study
        found = load_study(write(documented_yaml=text + examples[number]))
        assert isinstance(found, Study)
        assert len(found.analysis.criteria) == claims


def test_the_scales_in_the_documentation_are_valid(write):
    study, (example,) = documented("branin", "Scales")
    write(documented_yaml=study + example)
    small = load_study("documented.yaml", "small")
    assert (small.name, small.replicates, small.search.trials, small.analysis.budgets) == ("branin-small", 3, 6, (6,))
    assert load_study("documented.yaml", "noisy").task.settings["noise"] == 5
