"""Descriptions of the fields of a model, from the docstrings below them."""

import importlib
import subprocess
import sys

from pydantic import Field

from hpstudy.described import DescribedModel, description
from hpstudy.modules import module_path


class Base(DescribedModel):
    """A model."""

    inherited: int = 1
    """Of the base."""
    overridden: int = 1
    """Of the base."""


class Model(Base):
    """Another model."""

    overridden: int = 2
    """Of the model,
    on two lines."""
    declared: int = Field(default=3, description="Declared.")
    bare: int = 4


def test_a_field_is_described_by_the_docstring_below_it():
    assert description(Model, "overridden") == "Of the model,\non two lines."


def test_an_inherited_field_keeps_its_docstring():
    assert description(Model, "inherited") == "Of the base."


def test_a_declared_description_counts():
    assert description(Model, "declared") == "Declared."


def test_a_field_without_docstring_has_no_description():
    assert description(Model, "bare") == ""


def test_what_is_not_a_field_has_no_description():
    assert description(Model, "absent") == description(int, "real") == ""


def test_a_model_without_source_has_no_descriptions():
    namespace = {"__name__": "nowhere"}
    exec('from hpstudy.described import DescribedModel\nclass M(DescribedModel):\n    a: int = 1\n    """A."""', namespace)
    assert description(namespace["M"], "a") == ""
    assert "description" not in namespace["M"].model_json_schema()["properties"]["a"]


def test_modules_of_one_name_in_two_folders_have_their_own_descriptions(tmp_path):
    models = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        code = f'from hpstudy.described import DescribedModel\nclass M(DescribedModel):\n    a: int = 1\n    """Of the {folder.name}."""\n'
        (folder / "described_twice.py").write_text(code)
        with module_path(str(folder)):
            models.append(importlib.import_module("described_twice").M)
            assert description(models[-1], "a") == f"Of the {folder.name}."
            assert description(models[0], "a") != "Of the second."


def test_the_json_schema_has_the_descriptions():
    properties = Model.model_json_schema()["properties"]
    assert {key: field.get("description") for key, field in properties.items()} == {
        "inherited": "Of the base.",
        "overridden": "Of the model,\non two lines.",
        "declared": "Declared.",
        "bare": None,
    }


def test_no_source_is_read_before_a_description_is_shown():
    script = (
        "import inspect; inspect.findsource = None; from hpstudy.study.schema import Study; from hpstudy.bnn.settings import Teacher; "
        "Study.model_validate({'name': 's', 'task': {'use': 'branin'}, 'metric': {'name': 'value', 'goal': 'minimize'}, "
        "'views': {'v': {'space': {'x1': {'type': 'float', 'low': 0, 'high': 1}}}}, 'search': {'trials': 1}, 'replicates': 1})"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
