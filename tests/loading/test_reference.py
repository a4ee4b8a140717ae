from pathlib import Path

import pytest

from docs._ext import study_file_reference as reference
from hpstudy.loading.load import load_study
from hpstudy.registry import Registry
from hpstudy.search import SEARCHERS
from hpstudy.tasks import TASKS

PAGE = Path(__file__).parents[2] / "docs/reference/study-file.md"


def built_in(table):
    """The table as it ships, without the toys of these tests."""
    return Registry(table.kind, table.extend, {name: table[name] for name in table if name != "toy"})


@pytest.fixture(autouse=True)
def _without_toys(monkeypatch):
    monkeypatch.setattr(reference, "TASKS", built_in(TASKS))
    monkeypatch.setattr(reference, "SEARCHERS", built_in(SEARCHERS))


def test_the_reference_in_the_documentation_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    assert page == reference.page_with_reference(page), (
        "run: python -m docs._ext.study_file_reference docs/reference/study-file.md"
    )


def test_every_key_has_a_description():
    assert [line for line in reference.reference().splitlines() if line.startswith("| `") and line.endswith("|  |")] == []


def test_the_study_in_the_documentation_is_valid(write):
    text = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    assert load_study(write(documented_yaml=text)).name == "branin"
