"""Which way of a metric is better."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal


class Goal(StrEnum):
    """Which way is better; equal to the study file's words "maximize" and "minimize"."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    @property
    def sign(self) -> Literal[1, -1]:
        """What a value is multiplied by so that larger is better."""
        return 1 if self is Goal.MAXIMIZE else -1

    @property
    def better_side(self) -> Literal["above", "below"]:
        """The side of a level on which better values lie."""
        return "above" if self is Goal.MAXIMIZE else "below"

    def best(self, values: Iterable[float]) -> float:
        """The best of one or more values."""
        return max(values) if self is Goal.MAXIMIZE else min(values)

    def worst(self, values: Iterable[float]) -> float:
        """The worst of one or more values."""
        return min(values) if self is Goal.MAXIMIZE else max(values)

    def reached(self, values: Any, level: Any) -> Any:
        """Whether values, numbers or arrays, are at least as good as a level; NaN is not."""
        return values >= level if self is Goal.MAXIMIZE else values <= level
