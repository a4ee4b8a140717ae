"""`search.others`: which arms other searchers give, what may change later, and what is said of mistakes."""

import json

import pytest

from hpstudy.loading.load import load_study
from hpstudy.loading.make import searcher_of
from hpstudy.search.sobol import SobolSearcher
from hpstudy.study.changes import changes, growth, shrinkage
from hpstudy.study.controls import Arm, arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import MOST_TRIALS, Study
from tests.support.plans import planned_trials

SEARCH = "search: {searcher: toy, trials: 6, initial: 2"


@pytest.fixture
def with_others(toy_text, write):
    """The study `toy` with other searchers, and more keys at its end."""

    def load(others, more=""):
        assert SEARCH in toy_text
        return load_study(write(toy_yaml=toy_text.replace(SEARCH, f"{SEARCH}, others: {others}") + more))

    return load


@pytest.fixture
def refuse(toy_text, refused):
    return lambda others, more="": refused(toy_text.replace(SEARCH, f"{SEARCH}, others: {others}") + more)


def test_each_other_searcher_gives_an_arm_of_every_view(with_others):
    assert arms(with_others("[sobol, random]", "controls: [default]\n")) == {
        "a": Arm("a", None, 6),
        "b": Arm("b", None, 6),
        "a/sobol": Arm("a", "sobol", 6),
        "a/random": Arm("a", "random", 6),
        "a/default": Arm("a", "default", 1),
        "b/sobol": Arm("b", "sobol", 6),
        "b/random": Arm("b", "random", 6),
        "b/default": Arm("b", "default", 1),
    }


def test_other_searches_are_confirmed_and_the_default_point_once(with_others):
    study = with_others("[sobol]", "controls: [random]\nconfirm: {seeds: 4}\n")
    named = arms(study)
    assert named["a/sobol/confirm"] == Arm("a", None, 4, confirms="a/sobol")
    assert named["a/confirm"] == Arm("a", None, 4, confirms="a")
    assert "a/random/confirm" not in named
    planned = planned_trials(study)
    assert [planned[SearchKey("a/confirm", replicate)] for replicate in (0, 1)] == [8, 4]
    assert [planned[SearchKey("a/sobol/confirm", replicate)] for replicate in (0, 1)] == [4, 4]


def test_settings_of_other_searchers_are_filled_in(with_others):
    study = with_others("[sobol, {searcher: tpe, initial: 4}]")
    sobol, tpe = study.search.others
    assert (sobol.searcher, sobol.settings) == ("sobol", {})
    assert tpe.settings["initial"] == 4
    assert len(tpe.settings) > 1
    assert Study.from_json(study.to_json()) == study
    assert isinstance(searcher_of(with_others("[sobol]"), "sobol"), SobolSearcher)


def test_a_study_without_other_searchers_is_stored_as_before_they_existed(toy, with_others):
    assert "others" not in json.loads(toy.to_json())["search"]
    assert with_others("[]") == toy


def test_other_searchers_change_no_number(toy, with_others):
    beside = with_others("[sobol]")
    assert beside.fingerprint() == toy.fingerprint()
    assert changes(toy, beside) == shrinkage(toy, beside) == []
    assert growth(toy, with_others("[tpe]"))[0].startswith("search.others.tpe.initial: absent -> ")


def test_other_searchers_may_be_added_but_not_removed(with_others):
    one, both = with_others("[sobol]"), with_others("[random, sobol]")
    assert shrinkage(one, both) == []
    assert shrinkage(both, one) == ["search.others: [random, sobol] -> [sobol]"]
    assert shrinkage(one, with_others("[random]")) == ["search.others: [sobol] -> [random]"]


def test_random_search_as_a_control_may_become_another_searcher_but_not_the_other_way(with_others):
    control, other = with_others("[]", "controls: [random]\n"), with_others("[random]")
    assert shrinkage(control, other) == changes(control, other) == []
    assert shrinkage(other, control) == ["search.others: [random] -> []"]


def test_settings_of_a_searcher_that_stays_may_not_change(with_others):
    few, many = with_others("[{searcher: tpe, initial: 2}]"), with_others("[sobol, {searcher: tpe, initial: 3}]")
    assert changes(few, many) == ["search.others.tpe.initial: 2 -> 3"]


def test_the_main_searcher_may_not_change_places(toy_text, with_others, write):
    before = with_others("[sobol]")
    after = load_study(write(toy_yaml=toy_text.replace(SEARCH, "search: {searcher: sobol, trials: 6, others: [toy]")))
    assert "search.searcher: toy -> sobol" in changes(before, after)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ("[tpee]", "search.others.0.searcher: no searcher is called 'tpee': did you mean 'tpe'?"),
        ("[random, toy]", "search.others.1: 'toy' is named twice"),
        ("[random, random]", "search.others.1: 'random' is named twice"),
        (
            "[{searcher: tpe, initial: 9}]",
            "search.others.0.initial: the initial design of 9 trials does not fit into a search of 6",
        ),
        ("[{searcher: tpe, initail: 2}]", "search.others.0.initail: unknown key: did you mean 'initial'?"),
        ("[{initial: 2}]", "search.others.0.searcher: this key is missing"),
        ("[grid]", "search.others.0: 'grid' lists its points, and another searcher has to search"),
        ("[3]", "search.others.0: must be a block of 'key: value'"),
        ("random", "search.others: must be a list"),
    ],
)
def test_mistakes_are_refused_with_their_line(refuse, others, said):
    lines = refuse(others)
    assert any(line.startswith("toy.yaml:13:") and said in line for line in lines), lines


def test_random_search_is_either_a_control_or_another_searcher(refuse):
    (line,) = refuse("[sobol, random]", "controls: [random]\n")
    assert "search.others.1: 'random' is a control already" in line


def test_a_sweep_has_no_other_searchers(toy_text, refused):
    sweep = toy_text.replace(
        "searcher: toy, trials: 6, initial: 2", "searcher: grid, trials: 2, levels: {rate: 2}, others: [random]"
    )
    (line,) = refused(sweep.replace("      width: {type: int, low: 1, high: 8}\n", ""))
    assert "search.others.0: other searchers are for searches, and a sweep lists its points" in line


def test_a_searcher_that_cannot_honor_a_constraint_is_refused(toy_text, refused):
    space = toy_text.replace("rate: {type: float, low: 0, high: 1}", "rate: {type: float, low: 1, high: 8, log: true}")
    limited = space.replace("high: 8}\n", "high: 8}\n    constraints: ['rate <= width']\n")
    (line,) = refused(limited.replace(SEARCH, f"{SEARCH}, others: [random, ax]"))
    assert line.startswith("toy.yaml:14: search.others.1.searcher: view 'b': 'rate <= width'")


def test_a_searcher_that_cannot_search_one_of_the_views_is_refused(refuse):
    (line,) = refuse("[cmaes]")
    assert "search.others.0.searcher: view 'a': cmaes needs at least two hyperparameters" in line


def test_all_trials_count_toward_the_largest_study(toy_text, refused):
    text = toy_text.replace(SEARCH, "search: {searcher: toy, trials: 100000, initial: 2, others: [random, sobol]")
    (line,) = refused(text)
    assert f"this study plans {2 * 3 * 3 * 100_000:,} trials, more than {MOST_TRIALS:,}" in line


def test_the_json_schema_knows_other_searchers():
    from jsonschema import Draft202012Validator

    from hpstudy.loading.jsonschema import study_schema

    schema = study_schema()
    valid = Draft202012Validator({**schema["$defs"]["SearchBlock"], "$defs": schema["$defs"]}).is_valid
    assert valid({"trials": 5, "others": ["tpe", {"searcher": "random"}, {"searcher": "tpe", "initial": 2}]})
    assert not valid({"trials": 5, "others": [{"searcher": "random", "initial": 2}]})
    assert not valid({"trials": 5, "others": [{"initial": 2}]})
    assert not valid({"trials": 5, "others": "tpe"})
