"""Encoding of single values. Every stored number is restored with the same bits.

SQLite stores NaN as NULL and -0.0 as 0.0. A measured number is therefore stored as a pair (value, kind):

| number | value | kind |
|---|---|---|
| any other finite number | itself | finite |
| -0.0 | 0.0 | -0 |
| NaN | NULL | nan |
| infinities | NULL | inf, -inf |
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

TrialState = Literal["running", "completed", "diverged", "failed", "timed_out"]
"""State of a stored trial. All states except "running" are final."""

STATES: tuple[TrialState, ...] = get_args(TrialState)
"""All states, in display order."""

KINDS = ("finite", "-0", "nan", "inf", "-inf")
"""Kinds of stored numbers."""


def encode(number: float) -> tuple[float | None, str]:
    """Return the pair (value, kind) that represents `number`."""
    if math.isnan(number):
        return None, "nan"
    if math.isinf(number):
        return None, "inf" if number > 0 else "-inf"
    if number == 0 and math.copysign(1, number) < 0:
        return 0.0, "-0"
    return float(number), "finite"


def decode(value: float | None, kind: str) -> float:
    """Return the number that `encode` represents as (value, kind)."""
    if kind == "-0":
        return -0.0
    return float(kind) if value is None else value


def encode_seconds(seconds: float) -> float:
    """Return a duration as it is stored: 0 if it is negative or not finite, because a user's code has changed the clock of its process."""
    return float(seconds) if 0 < seconds < math.inf else 0.0


def encode_point(point: Mapping[str, Any]) -> str:
    """Return a point as JSON text. Floats have their shortest exact form, so that 1, 1.0, true and "1" stay different."""
    return json.dumps(dict(point), allow_nan=False, default=_plain)


def encode_detail(detail: Mapping[str, object]) -> str:
    """Return the detail of a row as JSON text. A lone surrogate, as in the name of an undecodable file, becomes a question mark."""
    return json.dumps(dict(detail), ensure_ascii=False, default=str).encode("utf-8", "replace").decode()


def clean_text(text: str) -> str:
    """Return `text` as valid Unicode. A message can contain lone surrogates (undecodable file names), which SQLite refuses."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def utc_now() -> str:
    """Return the current time in UTC as ISO 8601 text with milliseconds. It sorts as text, and SQLite's date functions read it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp(moment: str) -> float:
    """Return the seconds from 1970 to `moment`, a text of `utc_now`."""
    return datetime.fromisoformat(moment).timestamp()


def seconds_since(moment: str) -> float:
    """Return the seconds since `moment`, a text of `utc_now`."""
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()


def _plain(value: Any) -> Any:
    """Convert a numpy scalar to a Python number. Raises TypeError for any other type."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a point contains booleans, numbers and strings, not {type(value).__name__}")
