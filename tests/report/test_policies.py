"""The declared endpoints when trainings without a value count in another way."""

import dataclasses
import json

import numpy as np

from hpstudy.analysis import analyze
from hpstudy.report import serial
from hpstudy.report.chapters import robustness
from hpstudy.report.model import Table
from tests.report.test_endpoints_chapter import make


def table_of(results):
    tables = [block for section in robustness.chapter(results) for block in section.blocks if isinstance(block, Table)]
    return next((table for table in tables if table.caption.startswith("Declared endpoints under several")), None)


def failing(source):
    """The same study in which view a has no value on the first fresh seed."""
    fresh = {view: np.array(values) for view, values in source.fresh.items()}
    fresh["a"][:, :, 0] = np.nan
    return dataclasses.replace(source, fresh=fresh)


def test_where_every_training_has_a_value_there_is_one_way_to_count():
    results = analyze(make(), thorough=True)
    assert results.policies == ()
    assert table_of(results) is None
    assert "endpoints_under_policies" not in serial.body(results)


def test_every_endpoint_on_confirmed_values_is_computed_under_every_policy():
    source = failing(make(on_failure="drop"))
    results = analyze(source, thorough=True)
    assert [of.policy for of in results.policies] == ["worst", "drop", "median"]
    (declared,) = [of for of in results.policies if of.policy == "drop"]
    assert [result.declared.pairs[0].estimate for result in declared.endpoints] == [
        result.declared.pairs[0].estimate for result in results.declared[:4]
    ]
    finals = [of.endpoints[3].declared.pairs[0].estimate.value for of in results.policies]
    assert finals[0] < finals[2] < finals[1]  # a third of the values of a are the worst, the median, or left out
    table = table_of(results)
    assert table.head[2:] == ("worst value", "left out (declared)", "median value")
    assert len(table.rows) == 4
    body = json.loads(serial.text(serial.body(results)))
    assert [of["policy"] for of in body["endpoints_under_policies"]] == ["worst", "drop", "median"]
    assert [of["endpoint"]["use"] for of in body["endpoints_under_policies"][0]["endpoints"]] == [
        "confirmed_regret",
        "confirmed_regret",
        "trials_to_within",
        "final",
    ]


def test_the_quick_analysis_has_no_policies():
    assert analyze(failing(make())).policies == ()
