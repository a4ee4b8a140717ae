"""How single values lie in the database, so that every one of them comes back bit for bit.

SQLite turns NaN into NULL and -0.0 into 0.0, so a measured number is kept as a pair (value, kind):

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
from typing import Any, Literal

TrialState = Literal["running", "completed", "diverged", "failed", "timed_out"]
"""The state of a stored trial; all but the first are final."""

STATES: tuple[TrialState, ...] = ("running", "completed", "diverged", "failed", "timed_out")
"""All states, in the order in which counts are shown."""

KINDS = ("finite", "-0", "nan", "inf", "-inf")
"""The kinds of numbers."""


def encode(number: float) -> tuple[float | None, str]:
    """The (value, kind) pair that keeps `number`."""
    if math.isnan(number):
        return None, "nan"
    if math.isinf(number):
        return None, "inf" if number > 0 else "-inf"
    if number == 0 and math.copysign(1, number) < 0:
        return 0.0, "-0"
    return float(number), "finite"


def decode(value: float | None, kind: str) -> float:
    """The number that `encode` turned into (value, kind)."""
    if kind == "-0":
        return -0.0
    return float(kind) if value is None else value


def encode_point(point: Mapping[str, Any]) -> str:
    """A point as JSON text: floats in their shortest exact form, so that 1, 1.0, true and "1" stay different."""
    return json.dumps(dict(point), allow_nan=False, default=_plain)


def clean_text(text: str) -> str:
    """`text` as valid Unicode: a message may hold stray surrogates (undecodable file names), which SQLite refuses."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def utc_now() -> str:
    """The time of day as ISO 8601 text in UTC, to the millisecond: it sorts, and SQLite's date functions read it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_since(moment: str) -> float:
    """Seconds from `moment`, a text of `utc_now`, to now."""
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()


def _plain(value: Any) -> Any:
    """A numpy scalar as the Python number it holds; anything else has no place in a point."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a point holds booleans, numbers and strings, not {type(value).__name__}")
