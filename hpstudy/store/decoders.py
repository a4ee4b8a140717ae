"""What a single stored value may be: each function returns the value, or raises Misfit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NoReturn

from hpstudy.store.values import KINDS, decode

INTEGERS = range(-(2**63), 2**63)
"""What an INTEGER of SQLite can hold."""

LONGEST_NAME = 255
"""Bytes of the name of a file or folder, the limit of most file systems. Longer: using the path is an OSError."""

DEEPEST = 20
"""Levels of nesting in stored JSON. More: whoever walks through the value runs into Python's limit of recursion."""


class Misfit(ValueError):
    """Why a value does not fit its column, as the end of a sentence that begins with the value."""


def text(value: Any) -> str:
    """Valid Unicode."""
    if not isinstance(value, str):
        raise Misfit("is not text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Misfit("is not valid UTF-8") from None
    return value


def path_text(value: Any) -> str:
    """Text that can be a path."""
    if "\0" in text(value) or any(len(name.encode()) > LONGEST_NAME for name in value.replace("\\", "/").split("/")):
        raise Misfit("is not a path")
    return text(value)


def moment(value: Any) -> str:
    """A time as `values.utc_now` writes it."""
    try:
        parsed = datetime.fromisoformat(text(value))
    except ValueError:
        raise Misfit("is not a time (ISO 8601)") from None
    if parsed.tzinfo is None or not 1970 <= parsed.year < 9000:
        raise Misfit("is not a time in UTC")
    return text(value)


def whole(allowed: range = INTEGERS) -> Callable[[Any], int]:
    """A whole number in `allowed`."""

    def decoder(value: Any) -> int:
        if type(value) is not int:
            raise Misfit("is not a whole number")
        if value not in allowed:
            raise Misfit(
                f"is not {allowed[0]}" if allowed[0] == allowed[-1] else f"is not between {allowed[0]} and {allowed[-1]}"
            )
        return value

    return decoder


def seconds(value: Any) -> float:
    """A duration, or another finite number that is not negative."""
    if type(value) is not float:
        raise Misfit("is not a number")
    if not 0 <= value < math.inf:
        raise Misfit("is not a finite number from 0")
    return value


def one_of(*names: str) -> Callable[[Any], str]:
    """One of some words."""

    def decoder(value: Any) -> str:
        if value not in names:
            raise Misfit(f"is not one of {', '.join(names)}")
        return str(value)

    return decoder


def optional(decoder: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """NULL, or what `decoder` decodes."""
    return lambda value: None if value is None else decoder(value)


def number(value: Any, kind: Any) -> float:
    """A measured number, which is a pair (`hpstudy.store.values`)."""
    fits = {"finite": type(value) is float and math.isfinite(value), "-0": type(value) is float and value == 0}
    if kind not in KINDS or not fits.get(kind, value is None):
        raise Misfit("is not a pair of value and kind")
    return decode(value, kind)


def optional_number(value: Any, kind: Any) -> float | None:
    """A measured number, or None for two NULLs."""
    return None if value is None and kind is None else number(value, kind)


def json_object(value: Any) -> dict[str, Any]:
    """A JSON object of finite numbers, text and so on."""
    try:
        parsed = _JSON.decode(text(value))
        if isinstance(parsed, dict) and _depth(parsed) <= DEEPEST:
            return parsed
    except Misfit:
        raise
    except (ValueError, RecursionError):
        raise Misfit("is not JSON") from None
    raise Misfit("is not a JSON object" if not isinstance(parsed, dict) else "is nested too deeply")


def point(value: Any) -> dict[str, Any]:
    """A point: hyperparameters by name."""
    decoded = json_object(value)
    if not _SCALARS.issuperset(map(type, decoded.values())):
        raise Misfit("is not a point: it holds more than booleans, numbers and text")
    return decoded


def texts(value: Any) -> dict[str, str]:
    """A JSON object whose values are text."""
    decoded = json_object(value)
    if not all(isinstance(item, str) for item in decoded.values()):
        raise Misfit("is not a JSON object of text")
    return decoded


def event_detail(value: Any) -> dict[str, Any]:
    """The particulars of an event; those that are read again have the type that their reader needs."""
    decoded = json_object(value)
    for name in ("changes", "mixed_libraries"):
        lines = decoded.get(name, [])
        if not (isinstance(lines, list) and all(isinstance(line, str) for line in lines)):
            raise Misfit(f"is not the detail of an event: '{name}' is not a list of text")
    if not isinstance(decoded.get("finished_trials", 0), int):
        raise Misfit("is not the detail of an event: 'finished_trials' is not a whole number")
    if not isinstance(decoded.get("declaration", ""), str):
        raise Misfit("is not the detail of an event: 'declaration' is not text")
    return decoded


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
"""Made once: a study has a point for each trial."""

_SCALARS = frozenset({bool, int, float, str})


def _depth(value: Any) -> int:
    parts: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(part) for part in parts if type(part) in (dict, list)), default=1 if parts else 0)
