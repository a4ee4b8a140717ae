"""Non-numeric results of a trial, such as text, lists and nested mappings. They are stored as JSON with its metrics."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

ATTRIBUTE_CHARACTERS = 20_000
"""Maximum length of an attribute as JSON. A longer one is cut to the start of its text. All attributes of a study are read at once."""

LEVELS = 10
"""Maximum nesting. Deeper values are stored as text; a database holds 20 levels."""

INTEGERS = range(-(2**63), 2**63)
"""Integers up to this size are exact in every JSON reader. Larger ones are stored as text."""

ELEMENTS = 1_000
"""Maximum elements of an array or tensor. A larger one is stored as its type and shape."""


def read_attribute(value: object) -> Any:
    """A value as plain JSON: None, booleans, numbers, text, lists and mappings. Anything else becomes the beginning of its text."""
    try:
        plain = _plain(value, LEVELS)
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
    except Exception as error:  # a user's class may raise anything when it is inspected
        return f"a {type(value).__name__} that cannot be stored ({type(error).__name__})"
    return plain if isinstance(plain, str) or len(text) <= ATTRIBUTE_CHARACTERS else f"{text[:ATTRIBUTE_CHARACTERS]}..."


def _plain(value: Any, levels: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if value in INTEGERS else _text(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, str):
        return _text(value)
    if levels and isinstance(value, Mapping):
        return {_text(key): _plain(item, levels - 1) for key, item in value.items()}
    if levels and isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, levels - 1) for item in value]
    if levels and hasattr(value, "tolist") and hasattr(value, "shape"):
        shape = tuple(value.shape)
        return _plain(value.tolist(), levels - 1) if math.prod(shape) <= ELEMENTS else f"{type(value).__name__} of shape {shape}"
    return _text(value)


def _text(value: object) -> str:
    """The beginning of a value's text, as valid Unicode."""
    return str(value)[:ATTRIBUTE_CHARACTERS].encode(errors="backslashreplace").decode()
