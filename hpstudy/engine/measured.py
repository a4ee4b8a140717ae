"""Reads the results of a task. A number is kept exactly; anything else is rejected with a message that says what to return."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hpstudy.engine.attributes import read_attribute
from hpstudy.tasks.outcome import Valued

EPOCHS = range(2**63)
"""The epochs that are accepted: counted from 0 or from 1, and at most the largest integer of a database. The comparison at equal epochs
counts a trial's epochs by its last one, so a negative epoch would count as none."""


NAME_CHARACTERS = 1_000
"""Maximum length of the name of a metric, which every table repeats."""


class InvalidResult(TypeError):
    """A task returned or reported something other than a number or a mapping of numbers."""


def read_result(result: object, objective: str) -> tuple[dict[str, float], dict[str, Any]]:
    """The metrics and the attributes in a task's result.

    Args:
        result: a mapping of metrics and other values, or a single number, which is the objective.
        objective: the study's metric.

    Returns:
        The metrics by name, the objective included; NaN and infinities are kept. All other values, including numbers that no float
            equals, as plain JSON.

    Raises:
        InvalidResult: the objective is missing or not a number, or a name is not a string. The message says what to return instead.
    """
    if isinstance(result, Valued):
        result = {**result.others, objective: result.value}
    if not isinstance(result, Mapping):
        return {objective: read_number(objective, result, "the result")}, {}
    if objective not in result:
        names = ", ".join(str(name) for name in result) or "none"
        raise InvalidResult(
            f"the result has no metric '{objective}' (it has: {names}); a function to study must return its "
            "metric; or name one of these as metric.name in the study file"
        )
    named = {read_name(name, "the result"): value for name, value in result.items()}
    metrics, attributes = {objective: read_number(objective, named[objective], "the result")}, dict[str, Any]()
    for name, value in named.items():
        try:
            metrics[name] = read_number(name, value, "the result")
        except InvalidResult:
            attributes[name] = read_attribute(value)
    return {name: metrics[name] for name in named if name in metrics}, attributes


def read_name(name: Any, where: str) -> str:
    """The name of a metric. Raises InvalidResult if it is not a string, or not valid Unicode, which a database cannot store."""
    if not isinstance(name, str):
        raise InvalidResult(f"{where} has a metric whose name is {preview(name)}; names of metrics must be strings")
    plain = str.__str__(name)  # it may be a StrEnum or another subclass that another process cannot import
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise InvalidResult(f"{where} has a metric whose name is {name!a}; names of metrics must be valid Unicode") from None
    if len(plain) > NAME_CHARACTERS:
        raise InvalidResult(f"{where} has a metric whose name has {len(plain):,} characters; it may have {NAME_CHARACTERS:,}")
    return plain


def read_number(name: str, value: Any, where: str) -> float:
    """The float that equals a Python or numpy number, or an array or tensor without dimensions. True is 1, False is 0.

    Raises:
        InvalidResult: for everything else, also for a tensor of one element that has a dimension, and for a number that no float equals.
    """
    plain = _plain(value)
    if not isinstance(plain, numbers.Real | Decimal):
        kind = type(value).__name__
        shape = f" of shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
        text = "" if shape or value is None else f" ({preview(value)})"
        raise InvalidResult(
            f"'{name}' in {where} is {kind}{shape}{text}; a function to study must return a number, or a dict of numbers such as "
            f"{{'{name}': 0.5}}"
        )
    try:
        number = float(plain)
        exact = math.isnan(number) or number == plain
    except (OverflowError, ValueError):  # too large, or a signaling NaN
        exact = False
    if not exact:
        raise InvalidResult(
            f"'{name}' in {where} is {type(value).__name__} ({preview(value)}), which no 64-bit float equals; return float(...) of it to "
            "round it"
        )
    return number


def read_epoch(epoch: Any) -> int:
    """An epoch: an integer of any type from 0, 3.0 included. Raises InvalidResult for anything else, booleans included."""
    plain = _plain(epoch)
    numeric = isinstance(plain, numbers.Real | Decimal) and not isinstance(plain, bool)
    if numeric:
        with suppress(OverflowError, ValueError):  # infinite, or NaN
            whole: int = int(plain)
            if whole == plain and whole in EPOCHS:
                return whole
    raise InvalidResult(
        f"the epoch of a report is {type(epoch).__name__} ({preview(epoch)}); an epoch must be a whole number, 0 or more, of at most 64 "
        "bits"
    )


def _plain(value: Any) -> Any:
    """The number in an array or tensor without dimensions; any other value unchanged."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def preview(value: Any) -> str:
    """The beginning of a value's text."""
    try:
        return f"{value!r:.60}"
    except Exception:  # a class's __str__ may raise, and str() of an integer with more than 4300 digits does
        return "it cannot be printed"
