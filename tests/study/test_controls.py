import pytest

from hpstudy.loading.load import load_study
from hpstudy.loading.make import searcher_of
from hpstudy.search.default import DefaultSearcher
from hpstudy.search.random import RandomSearcher
from hpstudy.study.changes import changes, growth, shrinkage
from hpstudy.study.controls import Arm, arms
from hpstudy.study.plan import Plan, SearchKey
from tests.support.plans import planned_trials


@pytest.fixture
def with_controls(toy_text, write):
    def load(controls):
        return load_study(write(toy_yaml=f"{toy_text}controls: {controls}\n"))

    return load


def test_a_study_has_no_controls_unless_it_asks_for_them(toy):
    assert toy.controls == ()
    assert arms(toy) == {"a": Arm("a", None, 6), "b": Arm("b", None, 6)}


def test_every_view_gets_every_control_after_all_views(with_controls):
    assert arms(with_controls("[random, default]")) == {
        "a": Arm("a", None, 6),
        "b": Arm("b", None, 6),
        "a/random": Arm("a", "random", 6),
        "a/default": Arm("a", "default", 1),
        "b/random": Arm("b", "random", 6),
        "b/default": Arm("b", "default", 1),
    }


def test_the_plan_counts_the_trials_of_controls(toy, with_controls):
    assert sum(planned_trials(toy).values()) == 2 * 3 * 6
    assert sum(planned_trials(with_controls("[default]")).values()) == 2 * 3 * 6 + 2 * 3
    assert sum(planned_trials(with_controls("[default, random]")).values()) == 2 * (2 * 3 * 6) + 2 * 3


def test_the_plan_runs_the_controls_of_a_replicate_after_its_searches(with_controls):
    names = [key.view for key in Plan(with_controls("[default]")).searches() if key.replicate == 1]
    assert names == ["a", "b", "a/default", "b/default"]


def test_a_default_search_has_one_trial(with_controls):
    planned = planned_trials(with_controls("[default]"))
    assert (planned[SearchKey("a/default", 0)], planned[SearchKey("a", 0)]) == (1, 6)


def test_controls_are_no_determinants(toy, with_controls):
    controlled = with_controls("[default, random]")
    assert controlled.fingerprint() == toy.fingerprint()
    assert changes(toy, controlled) == []
    assert growth(toy, controlled) == ["controls: [] -> [default, random]"]


def test_controls_may_be_added_but_not_removed(toy, with_controls):
    one, both = with_controls("[default]"), with_controls("[random, default]")
    assert shrinkage(toy, both) == shrinkage(one, both) == []
    assert shrinkage(both, one) == ["controls: [random, default] -> [default]"]


def test_the_order_of_controls_does_not_matter_to_what_a_database_holds(with_controls):
    assert shrinkage(with_controls("[random, default]"), with_controls("[default, random]")) == []


def test_an_unknown_control_is_refused_with_the_valid_ones(toy_text, refused):
    (line,) = refused(f"{toy_text}controls: [defaults]\n")
    assert "controls.0: 'defaults' is not valid here: did you mean 'default'? valid: default, random" in line


def test_controls_that_are_no_list_are_refused(toy_text, refused):
    (line,) = refused(f"{toy_text}controls: random\n")
    assert "controls: must be a list" in line


def test_a_control_named_twice_is_refused(toy_text, refused):
    (line,) = refused(f"{toy_text}controls: [random, random]\n")
    assert "controls: lists a control twice" in line


def test_a_sweep_has_no_controls(toy_text, refused):
    sweep = toy_text.replace("searcher: toy, trials: 6, initial: 2", "searcher: grid, trials: 2, levels: {rate: 2}")
    sweep = sweep.replace("      width: {type: int, low: 1, high: 8}\n", "")
    (line,) = refused(f"{sweep}controls: [random]\n")
    assert "controls: controls are for searches, and a sweep lists its points" in line


def test_a_sweep_with_controls_is_refused_together_with_mistakes_of_form(toy_text, refused):
    sweep = toy_text.replace("searcher: toy, trials: 6, initial: 2", "searcher: grid, trials: 0, levels: {rate: 2}")
    lines = refused(f"{sweep}controls: [random]\n")
    assert any("a sweep lists its points" in line for line in lines)


def test_no_view_can_have_the_name_of_a_control(toy_text, refused):
    lines = refused(toy_text.replace("  a:\n", "  b/random:\n"))
    assert any("views" in line and "b/random" in line for line in lines)


def test_the_json_schema_knows_the_controls():
    from jsonschema import Draft202012Validator

    from hpstudy.loading.jsonschema import study_schema

    known = study_schema()["$defs"]["Study"]["properties"]["controls"]
    valid = Draft202012Validator(known).is_valid
    assert valid([])
    assert valid(["random", "default"])
    assert not valid(["other"])
    assert not valid(["random", "random"])
    assert not valid("random")


def test_every_control_has_a_searcher(toy, with_controls):
    space, study = toy.views["b"].space, with_controls("[random, default]")
    assert isinstance(searcher_of(study, "random"), RandomSearcher)
    default = searcher_of(study, "default")
    assert isinstance(default, DefaultSearcher)
    assert default.ask(space, (), goal="maximize", seed=1, number=0) == space.default()
