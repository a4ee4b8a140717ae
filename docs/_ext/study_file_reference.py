"""The reference tables of the study file, generated from its models. docs/reference/study-file.md contains them, and a test compares.

`python -m docs._ext.study_file_reference docs/reference/study-file.md` updates the page.
"""

from __future__ import annotations

import json
import sys
import types
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hpstudy.described import description
from hpstudy.search import SEARCHERS
from hpstudy.study.declaration import Analysis, Criterion, Endpoint, Plateaus, Selection, Target
from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter
from hpstudy.study.schema import Confirm, Limits, Metric, OtherSearcher, Resources, SearchBlock, Study, TaskBlock, View
from hpstudy.tasks import TASKS

BEGIN, END = "<!-- reference: begin -->", "<!-- reference: end -->"

BLOCKS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The study", Study),
    ("`task`", TaskBlock),
    ("`metric`", Metric),
    ("A view of `views`", View),
    ("A parameter of `space`, `type: float`", FloatParameter),
    ("A parameter of `space`, `type: int`", IntParameter),
    ("A parameter of `space`, `type: choice`", ChoiceParameter),
    ("`search`", SearchBlock),
    ("A searcher of `search.others` with settings", OtherSearcher),
    ("`confirm`", Confirm),
    ("`limits`", Limits),
    ("`resources`", Resources),
    ("`analysis`", Analysis),
    ("`analysis.target`", Target),
    ("An endpoint of `analysis.endpoints`", Endpoint),
    ("`analysis.plateaus`", Plateaus),
    ("A claim of `analysis.criteria`", Criterion),
    ("`of` and `minus` of a claim", Selection),
)

NAMES = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def reference() -> str:
    """Markdown tables of every key of a study file: block by block, then the settings of each searcher and task."""
    parts = [_section(title, model, str(model.__doc__).split("\n\n")[0]) for title, model in BLOCKS]
    for table in (SEARCHERS, TASKS):
        for name in table:
            model = table.load(name).Settings
            if model.model_fields:
                parts.append(_section(f"Settings of the {table.kind} `{name}`", model, f"{table[name].description}."))
    return "\n\n".join(parts)


def page_with_reference(page: str) -> str:
    """`page` with the tables between its two marks updated."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n\n{END}{after}"


def _section(title: str, model: type[BaseModel], about: str) -> str:
    rows = "\n".join(_rows(model))
    return f"### {title}\n\n{about[:1].upper()}{about[1:]}\n\n| key | value | default | |\n|---|---|---|---|\n{rows}"


def _rows(model: type[BaseModel], prefix: str = "") -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        about = " ".join(description(model, name).split()).replace("|", "\\|")
        rows.append(f"| `{prefix}{name}` | {_type(field)} | {_default(name, field)} | {about} |")
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and model not in dict(BLOCKS).values():
                rows += _rows(inner, f"{prefix}{name}.")
    return rows


def _default(name: str, field: FieldInfo) -> str:
    # In the model of a float parameter `type` is optional; a study file requires it to select the model.
    if field.is_required() or name == "type":
        return "*required*"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value in ({}, (), ""):
        return ""
    return "" if value is None else f"`{json.dumps(value)}`" if not isinstance(value, str) else f"`{value}`"


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {_number(getattr(rule, name))}"
        for rule in field.metadata
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
        if getattr(rule, name, None) is not None
    ]
    return " ".join([_type_name(field.annotation), ", ".join(bounds)]).strip()


def _number(value: float) -> str:
    return "2^63" if value == 2**63 else f"{value:g}" if abs(value) < 1e4 else f"{value:,}"


def _type_name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in NAMES:
        return NAMES[annotation]
    if origin is Annotated:
        return _type_name(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " or ".join(f"`{value}`" for value in annotation)
    if origin in (Union, types.UnionType):
        kinds = [part for part in arguments if part is not type(None)]
        if set(kinds) >= set(NAMES):
            return " or ".join(["value", *(_type_name(kind) for kind in kinds if kind not in NAMES)])
        return " or ".join(_type_name(kind) for kind in kinds)
    if origin is tuple and ... not in arguments:
        return f"[{', '.join(_type_name(part) for part in arguments)}]"
    if origin in (tuple, list):
        inner = _type_name(arguments[0])
        return f"list of {{{inner}}}" if get_origin(arguments[0]) is dict else f"list of {inner}"
    if origin is dict:
        return f"name: {_type_name(arguments[1])}"
    return "block"


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        page = Path(argument)
        page.write_text(page_with_reference(page.read_text(encoding="utf-8")), encoding="utf-8")
