import json

import pytest

from hpstudy.loading.load import load_study
from hpstudy.store import planned_counts
from hpstudy.study.changes import changes, confirmation_changes, grown, growth, shrinkage
from hpstudy.study.confirm import Retraining, retrainings
from hpstudy.study.controls import Arm, arms
from hpstudy.study.plan import Plan, SearchKey
from hpstudy.study.schema import Confirm, Study
from tests.support.plans import planned_trials


@pytest.fixture
def confirmed(toy_text, write):
    return lambda block="{seeds: 4}": load_study(write(toy_yaml=f"{toy_text}confirm: {block}\n"))


def test_a_study_without_the_block_is_written_without_it(toy):
    assert toy.confirm is None
    assert "confirm" not in json.loads(toy.to_json())
    assert "confirm" not in toy.model_dump(mode="json")


def test_a_study_with_the_block_comes_back_from_its_text(confirmed):
    study = confirmed()
    assert json.loads(study.to_json())["confirm"] == {"seeds": 4}
    assert Study.from_json(study.to_json()) == study
    assert confirmed("{}").confirm == Confirm(seeds=5)


def test_confirmations_are_no_determinants(toy, confirmed):
    assert confirmed().fingerprint() == toy.fingerprint()
    assert changes(toy, confirmed()) == []
    assert growth(toy, confirmed()) == ["confirm.seeds: absent -> 4"]


def test_confirmations_may_be_added_and_grow_but_not_shrink(toy, confirmed):
    few, many = confirmed("{seeds: 2}"), confirmed()
    assert shrinkage(toy, few) == shrinkage(few, many) == shrinkage(many, toy) == []
    assert shrinkage(many, few) == ["confirm.seeds: 4 -> 2"]


def test_a_study_that_does_not_speak_of_confirmations_keeps_them(toy, confirmed):
    assert grown(confirmed(), toy).confirm == Confirm(seeds=4)
    assert grown(confirmed("{seeds: 2}"), confirmed()).confirm == Confirm(seeds=4)
    assert grown(toy, toy).confirm is None


def test_every_view_gets_confirmations_after_all_searches(confirmed):
    study = confirmed()
    assert list(arms(study)) == ["a", "b", "a/confirm", "b/confirm"]
    assert arms(study)["b/confirm"] == Arm("b", None, 4, confirms="b")
    assert Plan(study).searches()[-6:] == tuple(SearchKey(f"{view}/confirm", r) for r in range(3) for view in ("a", "b"))


def test_the_plan_expects_one_incumbent_of_every_search_and_one_default_point_of_every_view(confirmed):
    planned = planned_trials(confirmed())
    assert [planned[SearchKey("a/confirm", replicate)] for replicate in range(3)] == [8, 4, 4]
    assert sum(planned.values()) == 2 * 3 * 6 + 2 * 16


def test_listed_trials_do_not_wait_for_each_other(confirmed):
    plan = Plan(confirmed())
    left = {key: trials for key, trials in planned_trials(plan.study).items() if key.view == "a/confirm"}
    assert plan.duration_s(left, {"a/confirm": 1.0}, workers=8) == 2.0


def test_retrainings_are_listed_seed_by_seed_with_the_default_point_in_replicate_0():
    assert retrainings(2, [7], default=True) == [Retraining(None, 0), Retraining(7, 0), Retraining(None, 1), Retraining(7, 1)]
    assert retrainings(2, [3, 7], default=False) == [Retraining(3, 0), Retraining(7, 0), Retraining(3, 1), Retraining(7, 1)]
    assert retrainings(1, [], default=True) == [Retraining(None, 0)]


def test_too_few_seeds_and_unknown_keys_are_refused(toy_text, refused):
    (line,) = refused(f"{toy_text}confirm: {{seeds: 0}}\n")
    assert "confirm.seeds: must be at least 1, not 0" in line
    (line,) = refused(f"{toy_text}confirm: {{seed: 4}}\n")
    assert "did you mean 'seeds'?" in line


def test_incumbents_are_written_where_they_are_asked_for(confirmed):
    assert json.loads(confirmed("{seeds: 4, incumbents: true}").to_json())["confirm"] == {"seeds": 4, "incumbents": True}
    assert json.loads(confirmed("{seeds: 4, incumbents: false}").to_json())["confirm"] == {"seeds": 4}


def test_incumbents_may_not_be_changed_but_added_with_the_block(toy, confirmed):
    few, all_of_them = confirmed(), confirmed("{seeds: 4, incumbents: true}")
    assert confirmation_changes(few, all_of_them) == ["confirm.incumbents: false -> true"]
    assert confirmation_changes(toy, all_of_them) == confirmation_changes(all_of_them, toy) == []


def test_the_plan_expects_as_many_incumbents_as_among_exchangeable_values(confirmed):
    # 1 + 1/2 + ... + 1/6 = 2.45
    counts = [
        planned_counts(confirmed("{seeds: 4, incumbents: true}"))[SearchKey("a/confirm", replicate)] for replicate in range(3)
    ]
    assert [(each.planned, each.estimated) for each in counts] == [(4 + 8, 8), (8, 8), (8, 8)]


def test_a_sweep_has_nothing_to_confirm(toy_text, refused):
    sweep = toy_text.replace("searcher: toy, trials: 6, initial: 2", "searcher: grid, trials: 2, levels: {rate: 2}")
    sweep = sweep.replace("      width: {type: int, low: 1, high: 8}\n", "")
    (line,) = refused(f"{sweep}confirm: {{seeds: 4}}\n")
    assert "confirm: a sweep chooses no point: there is nothing to confirm" in line


def test_the_json_schema_knows_the_block():
    from jsonschema import Draft202012Validator

    from hpstudy.loading.jsonschema import study_schema

    schema = study_schema()
    valid = Draft202012Validator({**schema["$defs"]["Study"]["properties"]["confirm"], "$defs": schema["$defs"]}).is_valid
    assert valid({"seeds": 8})
    assert valid({})
    assert not valid({"seeds": 0})
    assert not valid({"seed": 8})
