import copy

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from hpstudy.loading.jsonschema import study_schema
from hpstudy.study.shipped import shipped_root

STUDY = {
    "name": "s",
    "task": {"use": "branin", "noise": 0.5},
    "metric": {"name": "value", "goal": "minimize"},
    "views": {"v": {"space": {"x1": {"type": "float", "low": -5, "high": 10}}, "fixed": {"x2": 1.0}}},
    "search": {"searcher": "sobol", "trials": 4},
    "replicates": 2,
}


@pytest.fixture
def valid():
    """Whether the schema accepts the study above with some keys replaced; `views__v="v.yaml"` sets a key inside its blocks."""
    validator = Draft202012Validator(study_schema())

    def check(**changed):
        tree = copy.deepcopy(STUDY)
        for path, value in changed.items():
            *blocks, last = path.split("__")
            block = tree
            for name in blocks:
                block = block[name]
            block[last] = value
        return validator.is_valid(tree)

    return check


def test_the_schema_is_a_json_schema():
    Draft202012Validator.check_schema(study_schema())


@pytest.mark.parametrize("study", sorted((shipped_root() / "studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_studies_are_valid(study):
    tree = YAML(typ="safe", pure=True).load(study)
    assert [error.message for error in Draft202012Validator(study_schema()).iter_errors(tree)] == []


@pytest.mark.parametrize("view", sorted((shipped_root() / "configs/views").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_views_are_valid(valid, view):
    assert valid(views__v=YAML(typ="safe", pure=True).load(view))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"task": "task.yaml"},
        {"task": {"from": "task.yaml", "noise": 1}},
        {"task": {"use": "mine:f", "constants": {"a": 1}}},
        {"metric": "metric.yaml"},
        {"search": {"from": "search.yaml", "trials": 9}},
        {"search": {"trials": 9, "initial": 3}},
        {"limits": "limits.yaml"},
        {"analysis": {"from": "analysis.yaml", "margin": None}},
        {"analysis": {"compare": [["v", "w"]], "budgets": [1, 2], "target": {"value": 3.5}}},
        {"analysis": {"criteria": [{"claim": "a", "of": {"view": "v", "at": {"x1": 2}}, "minus": {"view": "v"}, "above": 0}]}},
        {"scales": {}},
        {"scales": {"small": {}, "large": "large.yaml", "tiny": {"from": "tiny.yaml", "name": "other"}}},
        {"scales": {"small": {"task": {"noise": 1}, "replicates": 1, "search": {"trials": 2, "seed": None}, "limits": None}}},
        {"scales": {"small": {"task": "task.yaml", "metric": {"from": "metric.yaml"}, "views": {"v": None, "w": "w.yaml"}}}},
        {"scales": {"small": {"views": {"v": {"space": {"x1": {"high": 3}, "x2": None}, "fixed": {"a": None}}}}}},
        {"views__v": "view.yaml"},
        {"views__v": {"from": "view.yaml"}},
        {"views__v": {"from": "view.yaml", "space": {"x1": {"high": 3}, "x2": None}, "fixed": {"a": None}}},
    ],
)
def test_blocks_paths_and_overrides_are_valid(valid, change):
    assert valid(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"replicate": 3},
        {"replicates": "3"},
        {"name": "../s"},
        {"task": {"use": "branim"}},
        {"task": {"use": "branin", "nose": 1}},
        {"task": 3},
        {"metric__goal": "maximise"},
        {"search": {"searcher": "sobol", "trials": 4, "initial": 3}},
        {"search": {"trials": 4, "inital": 3}},
        {"search": {"searcher": "sobol"}},
        {"views": {}},
        {"views": {"a/b": {"from": "view.yaml"}}},
        {"views__v__space__x1": {"low": 0, "high": 1}},
        {"views__v__space__x1__hihg": 1},
        {"views__v": {"from": 3}},
        {"views__v": {"from": "view.yaml", "spaec": {}}},
        {"views__v": {"from": "view.yaml", "space": {"x1": {"hihg": 3}}}},
        {"analysis": {"compare": [["v"]]}},
        {"analysis": {"criteria": [{"claim": "a", "above": 0}]}},
        {"analysis": {"criteria": [{"claim": "a", "of": {"view": "v", "att": {}}, "above": 0}]}},
        {"analysis": {"criteria": [{"claim": "a", "of": {"view": "v"}, "shape": "up"}]}},
        {"scales": 3},
        {"scales": "small.yaml"},
        {"scales": None},
        {"scales": {"small": 3}},
        {"scales": {"small": None}},
        {"scales": {"small": {"replicate": 1}}},
        {"scales": {"small": {"replicates": "1"}}},
        {"scales": {"small": {"scales": {}}}},
        {"scales": {"small": {"views": {"v": {"space": {"x1": {"hihg": 3}}}}}}},
    ],
)
def test_mistakes_are_not_valid(valid, change):
    assert not valid(**change)


def test_a_study_that_overrides_a_study_needs_no_key_but_from():
    schema = Draft202012Validator(study_schema())
    assert schema.is_valid({"from": "audio.yaml"})
    assert schema.is_valid({"from": "audio.yaml", "name": "long", "search": {"trials": 50}, "views": {"a": None, "b": "b.yaml"}})
    assert schema.is_valid({"from": "audio.yaml", "scales": {"small": None, "large": {"replicates": 90}}})
    assert schema.is_valid({"from": "audio.yaml", "scales": None})
    assert not schema.is_valid({"from": "audio.yaml", "replicate": 3})
    assert not schema.is_valid({"from": "audio.yaml", "scales": {"small": {"replicate": 3}}})


def test_a_study_without_from_needs_its_keys():
    assert not Draft202012Validator(study_schema()).is_valid({"name": "s"})


def test_every_key_of_a_study_is_described():
    properties = study_schema()["$defs"]["Study"]["properties"]
    assert [key for key, schema in properties.items() if not schema.get("description")] == []
