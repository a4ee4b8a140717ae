"""Counts agree with their nouns and verbs in every text of a report, also in the smallest studies."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.report import numbers
from tests.report.test_endpoints_chapter import make
from tests.support.reports import document_of

NOUNS = (
    "comparison difference endpoint epoch hyperparameter incumbent interval pair panel point replicate run search seed session shard study "
    "target test training trial value view"
)
VERBS = "are have were precede count differ need begin hold do end"

SINGULAR = f"(?:{'|'.join(NOUNS.split())})"
PLURAL = SINGULAR.replace("search", "searche").replace("study", "studie") + "s"
WRONG = re.compile(
    rf"(?<![\d.,−-])\b1 (?:[a-z]+ )?(?:{PLURAL}\b|{SINGULAR} (?:{'|'.join(VERBS.split())})\b)"
    rf"|\b(?:0|[2-9]|\d\d+) {SINGULAR}\b(?!-)"
    r"|\b1 independent search of [\d,]+ trials? each"
)
"""A count with a wrong form: "1 trials", "all 1 tests", "1 trial have", "0 trial"."""


def texts(part):
    """Every text in a part of a report."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        yield from texts(list(part.values()))
    elif isinstance(part, Sequence):
        for one in part:
            yield from texts(one)
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            yield from texts(getattr(part, field.name))


def wrong(results):
    """The texts of a report with a count in a wrong form."""
    document = document_of(results)
    found = texts([document.design, document.provisional, list(document.sections)])
    return [text[max(0, match.start() - 40) : match.end() + 40] for text in found for match in WRONG.finditer(text)]


@pytest.mark.parametrize(
    "text",
    [
        "over all 1 tests",
        "1 finished trials precede",
        "1 trial have",
        "0 trial",
        "12 search",
        "1 searches",
        "1 independent search of 5 trials each",
    ],
)
def test_wrong_forms_are_recognized(text):
    assert WRONG.search(text)


@pytest.mark.parametrize(
    "text", ["1 trial", "0.1 trials", "2 trials", "1 finished trial precedes", "trial 1 of 3", "1,001 trials"]
)
def test_right_forms_are_accepted(text):
    assert not WRONG.search(text)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (2, 3), (3, 2)], ids=str)
@pytest.mark.parametrize("views", ["a", "ab", "abc"])
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_complete_studies(make_results, shape, views, goal):
    values = {view: np.random.default_rng(number).normal(size=shape) for number, view in enumerate(views)}
    pairs = [[view, "a"] for view in views[1:]]
    analysis = {"target": {"value": 0.0}, "margin": 0.1, "budgets": [1], **({"compare": pairs} if pairs else {})}
    assert not wrong(make_results(values, goal=goal, analysis=analysis))


@pytest.mark.parametrize("missing", [1, 2, 5])
def test_incomplete_studies(make_results, missing):
    values = {view: np.random.default_rng(number).normal(size=(2, 3)) for number, view in enumerate("ab")}
    states = np.full(6, "completed", dtype=object)
    states[6 - missing :] = "missing"
    assert not wrong(make_results(values, analysis={"target": {"value": 0.0}}, states={"a": states.reshape(2, 3)}))


@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("policy", ["worst", "drop"])
def test_studies_with_trials_without_a_value(make_results, lost, policy):
    values = {view: np.random.default_rng(number).normal(size=(2, 3)) for number, view in enumerate("ab")}
    values["a"][:lost, 0] = np.nan
    study = {"metric": {"name": "score", "goal": "maximize", "on_failure": policy}}
    assert not wrong(make_results(values, analysis={"target": {"value": 0.0}}, study=study))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2)], ids=str)
def test_sweeps(make_sweep, shape):
    replicates, count = shape
    points = {"a": [{"rate": 10.0 ** -(number + 1), "decay": 0.5, "clip": "none"} for number in range(count)]}
    scores = np.arange(1.0, 1 + replicates * count).reshape(shape)
    assert not wrong(make_sweep(points, {"a": {"score": scores}}))
    scores[0, 0] = np.nan
    assert not wrong(make_sweep(points, {"a": {"score": scores}}))


def test_declared_endpoints():
    assert not wrong(analyze(make()))


@pytest.mark.parametrize(("count", "text"), [(1, "the only trial"), (2, "all 2 trials"), (1200, "all 1,200 trials")])
def test_all_of_a_number_of_things(count, text):
    assert numbers.all_things(count, "trial") == text


def test_no_thing_is_in_the_plural():
    assert numbers.things(0, "search", "es") == "0 searches"
