"""docs/reference/python.md names every public name, and only attributes that exist."""

import re
from pathlib import Path

import pytest

import hpstudy
from hpstudy.analysis.comparisons.budgets import BudgetDifference, ViewBudget
from hpstudy.analysis.confirmed.endpoints import EndpointResult
from hpstudy.analysis.pair_result import PairResult
from hpstudy.analysis.targets.trials_to_target import TrialsDifference
from hpstudy.analysis.view_result import ViewResult

PAGE = (Path(__file__).parents[1] / "docs/reference/python.md").read_text(encoding="utf-8")
PARTS = {kind.__name__: kind for kind in (BudgetDifference, EndpointResult, PairResult, TrialsDifference, ViewBudget, ViewResult)}
ROWS = re.findall(r"^\| `(\w+)`(?:, `(\w+)`)?(?: \([^|]*\))? \| ([^|]*`[^|]*) \|$", PAGE.split("## Objects")[1], re.MULTILINE)


def test_the_page_names_every_public_name():
    assert set(hpstudy.__all__) <= set(re.findall(r"`(\w+)", PAGE))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_attributes_of_an_object_exist(row):
    first, second, attributes = row
    for name in filter(None, (first, second)):
        kind = PARTS.get(name) or getattr(hpstudy, name)
        fields = {*getattr(kind, "__dataclass_fields__", ()), *getattr(kind, "model_fields", ())}
        for attribute in re.findall(r"`(\w+)(?:\(\w*\))?`", attributes.partition(":")[0]):
            assert attribute in fields or hasattr(kind, attribute), f"{name}.{attribute}"


def test_the_table_of_objects_is_read():
    assert len(ROWS) == 11
