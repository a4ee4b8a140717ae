"""Fingerprints: what makes two studies run the same trials."""

import pytest

from hpstudy.study.schema import Study

STUDY = {
    "name": "s",
    "task": {"use": "branin", "noise": 0.5},
    "metric": {"name": "value", "goal": "minimize"},
    "views": {
        "v": {"space": {"x1": {"type": "float", "low": -5, "high": 10}, "x2": {"type": "float", "low": 0, "high": 15}}},
        "w": {"space": {"c": {"type": "choice", "values": [1, 2]}}, "fixed": {"x2": 1.0}},
    },
    "search": {"searcher": "sobol", "trials": 4},
    "replicates": 2,
}


def study(**changed):
    """The study above; `views__v__note="x"` sets a key inside its blocks."""
    tree = Study.model_validate(STUDY).model_dump(mode="json")
    for path, value in changed.items():
        *blocks, last = path.split("__")
        block = tree
        for name in blocks:
            block = block[name]
        block[last] = value
    return Study.model_validate(tree)


def test_the_fingerprint_of_a_study_never_changes():
    # A database names its study by this value: a change here makes every existing database unusable.
    assert study().fingerprint() == "16cd1219ad729d93985f24011fe8fe213ac63776faecc261b354701fcef30ff0"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed", 1),
        ("task__use", "hartmann6"),
        ("task__noise", 0.6),
        ("task__dummies", 1),
        ("metric__name", "regret"),
        ("metric__goal", "maximize"),
        ("metric__on_failure", "drop"),
        ("views__v__method", "filter"),
        ("views__v__space__x1__low", -4),
        ("views__v__space__x1__high", 9),
        ("views__v__space__x2", {"type": "float", "low": 1, "high": 15, "log": True}),
        ("views__v__space__x1__default", 1.0),
        ("views__v__fixed", {"z": 1}),
        ("views__w__fixed__x2", 2.0),
        ("views__w__space__c__values", [2, 1]),
        ("views__w__space__c__ordered", True),
        ("search__searcher", "random"),
        ("search__initial", 3),
        ("limits__timeout_s", 60),
        ("limits__max_attempts", 1),
    ],
)
def test_the_fingerprint_differs_with_everything_that_can_change_a_number(path, value):
    assert study(**{path: value}).fingerprint() != study().fingerprint()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "other"),
        ("question", "why?"),
        ("replicates", 20),
        ("search__trials", 50),
        ("views__v__label", "V"),
        ("views__v__note", "so"),
        ("limits__max_failures", 3),
        ("analysis__compare", [["v", "w"]]),
        ("analysis__budgets", [2, 4]),
        ("analysis__target", {"value": 1.0}),
        ("analysis__margin", 0.1),
        ("analysis__resamples", 2000),
        ("analysis__confidence", 0.9),
    ],
)
def test_the_fingerprint_is_the_same_whatever_changes_no_number(path, value):
    assert study(**{path: value}).fingerprint() == study().fingerprint()


def test_the_fingerprint_differs_with_the_order_of_hyperparameters():
    space = dict(reversed(study().model_dump(mode="json")["views"]["v"]["space"].items()))
    assert study(views__v__space=space).fingerprint() != study().fingerprint()


def test_the_fingerprint_is_the_same_in_any_order_of_views():
    views = dict(reversed(study().model_dump(mode="json")["views"].items()))
    assert study(views=views).fingerprint() == study().fingerprint()


def test_a_study_survives_json():
    assert Study.from_json(study().to_json()) == study()
