"""Whether single values are in the domains of a method's hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from hpstudy.bnn.methods.interface import Hyperparameters


def choices(model: type[Hyperparameters], name: str) -> tuple[Any, ...] | None:
    """All values of a hyperparameter that is a choice; None for one that is a number."""
    annotation = model.model_fields[name].annotation
    if annotation is bool:
        return (False, True)
    return get_args(annotation) if get_origin(annotation) is Literal else None


def outside(model: type[Hyperparameters], name: str, value: object) -> str | None:
    """What is wrong with `value` for hyperparameter `name` of `model`; None when nothing is.

    Strict: true is no number, 1 is not true, and "0.1" is neither.
    """
    field = model.model_fields[name]
    domain: Any = Annotated[(field.annotation, Field(), *field.metadata)]
    adapter: TypeAdapter[Any] = TypeAdapter(domain, config=ConfigDict(allow_inf_nan=False))
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError as error:
        return "; ".join(f"{value!r}: {problem['msg'][0].lower()}{problem['msg'][1:]}" for problem in error.errors())
    return None


def inconsistent(model: type[Hyperparameters], values: Mapping[str, object]) -> list[str]:
    """What is wrong with values that are each in their domain, but not together."""
    try:
        model.model_validate(dict(values), strict=True)
    except ValidationError as error:
        return [str(problem["msg"]).removeprefix("Value error, ") for problem in error.errors()]
    return []
