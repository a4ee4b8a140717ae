"""Checks of single values against the domains of a method's hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from hpstudy.bnn.methods.interface import Hyperparameters


def choices(model: type[Hyperparameters], name: str) -> tuple[Any, ...] | None:
    """Return all values of a categorical hyperparameter; None for a numeric one."""
    annotation = model.model_fields[name].annotation
    if annotation is bool:
        return (False, True)
    return get_args(annotation) if get_origin(annotation) is Literal else None


def outside(model: type[Hyperparameters], name: str, value: object) -> str | None:
    """Return the reason why `value` is invalid for hyperparameter `name` of `model`; None if it is valid.

    Types are strict: true is not a number, 1 is not true, and "0.1" is neither.
    """
    field = model.model_fields[name]
    domain: Any = Annotated[(field.annotation, Field(), *field.metadata)]
    adapter: TypeAdapter[Any] = TypeAdapter(domain, config=ConfigDict(allow_inf_nan=False))
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError as error:
        reasons = "; ".join(problem["msg"].replace("Input should be", "must be") for problem in error.errors())
        return f"{reasons}, not {str(value).lower() if isinstance(value, bool) else repr(value)}"
    return None


def inconsistent(model: type[Hyperparameters], values: Mapping[str, object]) -> list[str]:
    """Return the reasons why values are invalid together although each is in its domain."""
    try:
        model.model_validate(dict(values), strict=True)
    except ValidationError as error:
        return [str(problem["msg"]).removeprefix("Value error, ") for problem in error.errors()]
    return []
