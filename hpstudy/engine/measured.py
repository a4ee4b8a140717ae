"""Reading what a task measured: any sensible number becomes a float, anything else a message that says what to return."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any


class InvalidResult(TypeError):
    """A task returned, or reported, something that is not a number or a mapping of numbers."""


def read_metrics(result: object, objective: str) -> dict[str, float]:
    """The metrics in what a task returned.

    Args:
        result: a mapping of metrics, or a single number, which is the objective.
        objective: the study's metric.

    Returns:
        The metrics by name, the objective among them; NaN and infinities stay what they are.

    Raises:
        InvalidResult: with what must be returned instead.
    """
    if not isinstance(result, Mapping):
        return {objective: read_number(objective, result, "the result")}
    if objective not in result:
        names = ", ".join(str(name) for name in result) or "none"
        raise InvalidResult(
            f"the result has no metric '{objective}' (it has: {names}); a function to study must return its "
            "metric; or name one of these as metric.name in the study file"
        )
    for name in result:
        if not isinstance(name, str):
            raise InvalidResult(f"the result has a metric whose name is {name!r}; names of metrics must be strings")
    return {name: read_number(name, value, "the result") for name, value in result.items()}


def read_number(name: str, value: Any, where: str) -> float:
    """A number as float: Python's, numpy's, or an array or tensor without dimensions. True is 1 and False is 0.

    Raises:
        InvalidResult: for everything else, also for a tensor of one element that has a dimension.
    """
    if isinstance(value, numbers.Real):
        return float(value)
    if getattr(value, "ndim", None) == 0 and isinstance(item := value.item(), bool | int | float):
        return float(item)
    kind = type(value).__name__
    shape = f" of shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
    shown = "" if shape or value is None else f" ({value!r:.60})"
    raise InvalidResult(
        f"'{name}' in {where} is {kind}{shape}{shown}; a function to study must return a number, or a dict of numbers such as "
        f"{{'{name}': 0.5}}"
    )
