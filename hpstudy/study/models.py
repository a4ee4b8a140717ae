"""Strict validation, and the model that belongs to a key."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, RootModel

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], tree: object) -> Model:
    """Validate `tree` as a `model`. The only conversion is from integers to floats.

    Unknown keys are refused, also by a model of the user that does not say what happens to them: pydantic ignores them then.

    It validates JSON, because JSON's strict mode rejects "1e-5" and true for a number but accepts a list for a tuple.

    Raises:
        pydantic.ValidationError: with every mistake.
    """
    text = json.dumps(tree)
    if "extra" not in model.model_config:
        kind: Any = type(model)
        closed: type[BaseModel] = kind(model.__name__, (model,), {"__module__": model.__module__}, extra="forbid")
        closed.model_validate_json(text, strict=True)
    return model.model_validate_json(text, strict=True)


def members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a type: the members of a union without None, otherwise only the type."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        return members(annotation.model_fields["root"].annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(m for part in get_args(annotation) if part is not type(None) for m in members(part))
    return (annotation,)


def choose(annotation: Any, tree: object) -> Any:
    """The alternative of a type that fits `tree`: the parameter model named by its `type`, otherwise the first."""
    alternatives = members(annotation)
    if len(alternatives) > 1 and isinstance(tree, Mapping):
        for model in alternatives:
            field = model.model_fields.get("type") if _is_model(model) else None
            if field is not None and tree.get("type") in get_args(field.annotation):
                return model
    return alternatives[0]


def inside(annotation: Any, part: str | int) -> Any:
    """The type of the value at key or index `part` of a value of a type; None if there is none."""
    if _is_model(annotation):
        field = annotation.model_fields.get(str(part))
        return field.annotation if field else None
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is dict and len(arguments) == 2:
        return arguments[1]
    if origin is tuple and isinstance(part, int):
        return arguments[0] if arguments[-1] is ... else arguments[part] if part < len(arguments) else None
    return arguments[0] if origin is list else None


def keys_of(annotation: Any) -> list[str] | None:
    """The keys of a block; None for a type without fixed keys."""
    return list(annotation.model_fields) if _is_model(annotation) else None


def literals(annotation: Any) -> list[str]:
    """The words that a type allows; empty for a type that is not a choice of words."""
    choices: list[str] = []
    for part in members(annotation):
        if get_origin(part) is Literal:
            choices += map(str, get_args(part))
        elif isinstance(part, type) and issubclass(part, StrEnum):
            choices += part
    return choices


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
