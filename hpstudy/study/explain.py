"""Turning what pydantic found into sentences for the author of a study file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hpstudy.errors import nearest
from hpstudy.study.schema import Analysis, Limits, Metric, SearchBlock, Study, Target, TaskBlock, View
from hpstudy.study.source import Key
from hpstudy.study.space import ChoiceParameter, FloatParameter, IntParameter

PARAMETERS: dict[str, type[BaseModel]] = {"float": FloatParameter, "int": IntParameter, "choice": ChoiceParameter}

MODELS: dict[str, type[BaseModel]] = {
    "task": TaskBlock,
    "metric": Metric,
    "search": SearchBlock,
    "limits": Limits,
    "analysis": Analysis,
}


def explain(
    error: ValidationError, tree: Any, prefix: Key = (), model: type[BaseModel] | None = None
) -> Iterator[tuple[Key, str]]:
    """The mistakes in `error` as (key, sentence).

    Args:
        error: from validating the part of a study at `prefix`.
        tree: that part as plain values.
        prefix: where the part stands in the study.
        model: the part's model, for a part's own settings; None for the study itself.
    """
    for found in error.errors(include_url=False):
        key, tag = _real_key(found["loc"], tree)
        owner = model or _model_at(key[:-1], tag)
        yield (*prefix, *key), _sentence(found, key, owner)


def _real_key(loc: tuple[str | int, ...], tree: Any) -> tuple[Key, str | None]:
    """The keys of `loc` as they stand in the file: without pydantic's tags of a union; and the last such tag."""
    key: list[str | int] = []
    node, tag = tree, None
    for part in loc:
        if isinstance(node, Mapping) and part not in node and part in PARAMETERS:
            tag = str(part)
            continue
        key.append(part)
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            node = None
    return tuple(key), tag


def _model_at(block: Key, tag: str | None) -> type[BaseModel] | None:
    match block:
        case ():
            return Study
        case ("views", _):
            return View
        case ("views", _, "space", _):
            return PARAMETERS.get(tag or "")
        case ("analysis", "target"):
            return Target
        case (str(name),):
            return MODELS.get(name)
    return None


def _sentence(found: Any, key: Key, owner: type[BaseModel] | None) -> str:
    kind, context, given = found["type"], found.get("ctx", {}), found["input"]
    name = str(key[-1]) if key else ""
    match kind:
        case "extra_forbidden":
            return f"unknown key: {nearest(name, owner.model_fields if owner else ())}"
        case "missing":
            field = owner.model_fields.get(name) if owner else None
            described = f" ({field.description.rstrip('.')})" if field and field.description else ""
            return f"this key is missing{described}"
        case "value_error":
            return str(context["error"])
        case "literal_error":
            field = owner.model_fields.get(name) if owner else None
            return f"{given!r} is not valid here: {nearest(str(given), _literals(field.annotation) if field else ())}"
        case "union_tag_not_found":
            return f"needs a 'type': {', '.join(PARAMETERS)}"
        case "union_tag_invalid":
            return f"no parameter has type {context['tag']!r}: {nearest(str(context['tag']), PARAMETERS)}"
        case "string_pattern_mismatch":
            return f"{given!r} cannot name a file: use letters, digits, '.', '_' and '-', beginning with a letter or digit"
    text = found["msg"].removeprefix("Input should be ").removeprefix("Input ")
    return f"must be {text}, not {given!r}" if found["msg"].startswith("Input should be ") else f"{found['msg']}, not {given!r}"


def _literals(annotation: Any) -> list[str]:
    return [str(value) for value in get_args(annotation)]
