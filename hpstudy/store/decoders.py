"""Decoders of single stored values. Each one returns the decoded value or raises InvalidValue."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, NoReturn

from hpstudy.store.values import KINDS, decode

INTEGERS = range(-(2**63), 2**63)
"""The range of SQLite's INTEGER."""

LONGEST_NAME = 255
"""Bytes of a file or folder name, the limit of most file systems. Using a longer name raises OSError."""

DEEPEST = 20
"""Levels of nesting in stored JSON. With more levels, recursive functions can reach Python's recursion limit."""


class InvalidValue(ValueError):
    """A value that its column does not allow. The message is the predicate of a sentence whose subject is the value."""


def text(value: Any) -> str:
    """Decode text, which must be valid Unicode."""
    if not isinstance(value, str):
        raise InvalidValue("is not text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue("is not valid UTF-8") from None
    return value


def path_text(value: Any) -> str:
    """Decode text that can be a path."""
    if "\0" in text(value) or any(len(name.encode()) > LONGEST_NAME for name in value.replace("\\", "/").split("/")):
        raise InvalidValue("is not a path")
    return text(value)


def timestamp(value: Any) -> str:
    """Decode a time as `values.utc_now` writes it."""
    try:
        parsed = datetime.fromisoformat(text(value))
    except ValueError:
        raise InvalidValue("is not a time (ISO 8601)") from None
    if parsed.tzinfo is None or not 1970 <= parsed.year < 9000:
        raise InvalidValue("is not a time in UTC")
    return str(value)


def integer(allowed: range = INTEGERS) -> Callable[[Any], int]:
    """Return a decoder of integers in `allowed`."""

    def decoder(value: Any) -> int:
        if type(value) is not int:
            raise InvalidValue("is not a whole number")
        if value not in allowed:
            raise InvalidValue(
                f"is not {allowed[0]}" if allowed[0] == allowed[-1] else f"is not between {allowed[0]} and {allowed[-1]}"
            )
        return value

    return decoder


def seconds(value: Any) -> float:
    """Decode a duration, or another finite number that is not negative."""
    if type(value) is not float:
        raise InvalidValue("is not a number")
    if not 0 <= value < math.inf:
        raise InvalidValue("is not a finite number of at least 0")
    return value


def one_of(*names: str) -> Callable[[Any], str]:
    """Return a decoder of text that must be one of `names`."""

    def decoder(value: Any) -> str:
        if value not in names:
            raise InvalidValue(f"is not one of {', '.join(names)}")
        return str(value)

    return decoder


def optional(decoder: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decoder that accepts NULL and all values that `decoder` accepts."""
    return lambda value: None if value is None else decoder(value)


def number(value: Any, kind: Any) -> float:
    """Decode a measured number, which is stored as a pair (`hpstudy.store.values`)."""
    if kind == "finite":
        valid = type(value) is float and math.isfinite(value)
    elif kind == "-0":
        valid = type(value) is float and value == 0
    else:
        valid = kind in KINDS and value is None
    if not valid:
        raise InvalidValue("is not a pair of value and kind")
    return decode(value, kind)


def optional_number(value: Any, kind: Any) -> float | None:
    """Decode a measured number; None for two NULLs."""
    return None if value is None and kind is None else number(value, kind)


def json_object(value: Any) -> dict[str, Any]:
    """Decode a JSON object. NaN and infinities are invalid."""
    try:
        parsed = _JSON.decode(text(value))
        if isinstance(parsed, dict) and _depth(parsed) <= DEEPEST:
            return parsed
    except InvalidValue:
        raise
    except (ValueError, RecursionError):
        raise InvalidValue("is not JSON") from None
    raise InvalidValue("is not a JSON object" if not isinstance(parsed, dict) else "is nested too deeply")


def point(value: Any) -> dict[str, Any]:
    """Decode a point: values of hyperparameters by name."""
    decoded = json_object(value)
    if not _SCALARS.issuperset(map(type, decoded.values())):
        raise InvalidValue("is not a point: it contains a value that is not a boolean, a number or text")
    return decoded


def text_object(value: Any) -> dict[str, str]:
    """Decode a JSON object whose values are text."""
    decoded = json_object(value)
    if not all(isinstance(item, str) for item in decoded.values()):
        raise InvalidValue("is not a JSON object of text")
    return decoded


def event_detail(value: Any) -> dict[str, Any]:
    """Decode the detail of an event. Entries that hpstudy reads must have the expected type."""
    decoded = json_object(value)
    for name in ("changes", "mixed_libraries"):
        lines = decoded.get(name, [])
        if not (isinstance(lines, list) and all(isinstance(line, str) for line in lines)):
            raise InvalidValue(f"is not the detail of an event: '{name}' is not a list of text")
    if not isinstance(decoded.get("finished_trials", 0), int):
        raise InvalidValue("is not the detail of an event: 'finished_trials' is not a whole number")
    if not isinstance(decoded.get("declaration", ""), str):
        raise InvalidValue("is not the detail of an event: 'declaration' is not text")
    return decoded


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
"""A shared decoder: every trial of a study has a point to decode."""

_SCALARS = frozenset({bool, int, float, str})
_CONTAINERS = frozenset({dict, list})


def _depth(value: Any) -> int:
    parts: Collection[Any] = value.values() if isinstance(value, dict) else value
    nested = [_depth(part) for part in parts if type(part) in _CONTAINERS]
    return 1 + max(nested, default=1 if parts else 0)
