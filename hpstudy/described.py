"""Models whose fields are described by the docstrings below them.

Pydantic's `use_attribute_docstrings` reads the source of a model when its class is created, a sixth of the time of `hpstudy status`. Here
the source is read when a description is shown.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema


class DescribedModel(BaseModel):
    """An immutable model that refuses unknown keys, infinity and NaN. Its JSON Schema has the docstrings of its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the descriptions of the fields to the schema."""
        schema = handler(core_schema)
        for key, field in handler.resolve_ref_schema(schema).get("properties", {}).items():
            if text := description(cls, key):
                field["description"] = text
        return schema


def description(model: Any, key: str) -> str:
    """The description of a field of a model: that of its declaration, or the docstring below it; "" without one, or for another type."""
    field = getattr(model, "model_fields", {}).get(key)
    if field is None or field.description:
        return getattr(field, "description", "")
    of_classes = (_fields(owner) for owner in model.__mro__)
    return next((fields[key] for fields in of_classes if key in fields), "")


def _fields(owner: type) -> dict[str, str]:
    """The docstrings of the fields of a class at the top level of its module; empty without its source."""
    module = sys.modules.get(owner.__module__)
    if module is None or getattr(module, owner.__name__, None) is not owner:  # a module of the same name may have replaced it
        return {}
    try:
        return _docstrings(inspect.getsource(module)).get(owner.__name__, {})
    except (OSError, SyntaxError, TypeError):  # a notebook, code without a file, or a file that has changed
        return {}


@lru_cache
def _docstrings(source: str) -> dict[str, dict[str, str]]:
    """The docstrings of the fields of each class in the source of a module."""
    return {node.name: dict(_of_fields(node)) for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}


def _of_fields(of_class: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(of_class.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
