"""The public functions refuse an argument of a wrong type in one message, before any work."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import hpstudy
from hpstudy.arguments import KINDS, checked
from hpstudy.errors import UsageError

WRONG = {
    "str": 3,
    "bool": "no",
    "int": "2",
    "float": "0.1",
    "str | Path": b"tiny",
    "str | Path | Sequence[str | Path]": 3,
    "Sequence[str]": [3],
    "Sequence[int]": "2",
    "Observer": True,
    "Callable[[str], None]": "print",
}
"""A wrong argument of each kind."""

RIGHT = {"int": 1, "float": 1.0}
"""Arguments for the other parameters; text for all that are not here."""

STUDIES = {"AnyStudy", "StudyDefinition", "AnyStudy | Results", "AnyStudy | Sequence[AnyStudy]", "StudyDefinition | Results"}
"""Annotations of studies, whose type is checked when the study is looked up."""

FUNCTIONS = {
    **{name: value for name in hpstudy.__all__ if inspect.isfunction(value := getattr(hpstudy, name))},
    **{f"Reader.{name}": value for name, value in inspect.getmembers(hpstudy.Reader, inspect.isfunction) if name[0] != "_"},
    "Reader.open": hpstudy.Reader.open.__func__,
    **{f"datasets.{name}": getattr(hpstudy.datasets, name) for name in ("status", "fetch", "import_set", "verify", "path")},
}
PARAMETERS = [
    (name, parameter.name, str(parameter.annotation).removesuffix(" | None"))
    for name, function in FUNCTIONS.items()
    for parameter in inspect.signature(function).parameters.values()
    if parameter.name not in ("self", "cls")
]


def test_every_kind_has_a_wrong_argument():
    assert list(WRONG) == list(KINDS)


def test_every_argument_of_a_public_function_has_a_kind():
    of_classes = {"Progress", "SearchKey", "Study", "Path"}  # a function for the progress; objects of a Reader
    assert {kind for _, _, kind in PARAMETERS} - STUDIES - of_classes == set(KINDS)


@pytest.mark.parametrize(("name", "parameter", "kind"), [each for each in PARAMETERS if each[2] in KINDS])
def test_a_wrong_type_is_refused_before_any_work(name, parameter, kind):
    others = inspect.signature(FUNCTIONS[name]).parameters.values()
    required = {each.name: RIGHT.get(str(each.annotation), "x") for each in others if each.default is inspect.Parameter.empty}
    with pytest.raises(UsageError, match=f"^{parameter} must be {re.escape(KINDS[kind][0])}, not "):
        FUNCTIONS[name](**{**required, parameter: WRONG[kind]})


def test_scalars_of_numpy_and_single_values_are_accepted():
    @checked
    def called(count: int, share: float, force: bool, names: Sequence[str], storage: str | Path | None = None):
        return count, share, force, names, storage

    given = called(np.int64(2), np.float32(0.5), np.True_, "html")
    assert given == (2, 0.5, True, ("html",), None)
    assert [type(each) for each in given[:3]] == [int, float, bool]
    with pytest.raises(TypeError, match=r"called\(\) missing 3 required"):
        called(2)
    for empty in ("", "a\0b"):
        with pytest.raises(UsageError, match="storage must be a path"):
            called(1, 1, False, [], empty)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hpstudy.figure("x", None), "name must be text, not None"),
        (lambda: hpstudy.power("x", difference="0.1"), "difference must be a finite number, not '0.1'"),
        (lambda: hpstudy.power("x", difference=float("nan")), "difference must be a finite number, not nan"),
        (lambda: hpstudy.plan("x.yaml", workers=0), "workers is 0, not at least 1"),
        (lambda: hpstudy.plan_endpoints("x", "x.yaml", seeds=[2, 0]), "seeds is 0, not between 1 and 1,000"),
        (lambda: hpstudy.plan_endpoints("x", "x.yaml", replicates=[]), "replicates is empty"),
    ],
)
def test_an_argument_that_no_study_can_make_right_is_refused_first(call, message):
    with pytest.raises(UsageError) as refused:
        call()
    assert refused.value.message == message
