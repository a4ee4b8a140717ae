"""Direction of optimization of a metric."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal


class Goal(StrEnum):
    """Direction of optimization; equal to the values "maximize" and "minimize" in study files."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    @property
    def sign(self) -> Literal[1, -1]:
        """Factor by which values are multiplied so that larger is better."""
        return 1 if self is Goal.MAXIMIZE else -1

    @property
    def better_side(self) -> Literal["above", "below"]:
        """The side of a level with the better values."""
        return "above" if self is Goal.MAXIMIZE else "below"

    def best(self, values: Iterable[float]) -> float:
        """Return the best of one or more values."""
        return max(values) if self is Goal.MAXIMIZE else min(values)

    def worst(self, values: Iterable[float]) -> float:
        """Return the worst of one or more values."""
        return min(values) if self is Goal.MAXIMIZE else max(values)

    def reached(self, values: Any, level: Any) -> Any:
        """Return whether values (numbers or arrays) are at least as good as a level. NaN is not."""
        return values >= level if self is Goal.MAXIMIZE else values <= level
