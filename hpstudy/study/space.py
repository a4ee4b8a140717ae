"""Search spaces: which points a view may try.

A space maps points to the unit cube and back. Every searcher works on points; the cube serves initial designs and plots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, RootModel, model_validator

from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter, Parameter, Value

Point = dict[str, Value]
"""One setting of hyperparameters: name -> value."""


class Space(RootModel[dict[str, Parameter]]):
    """The hyperparameters that a view tunes, in the order of the study file."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _not_empty(self) -> Space:
        if not self.root:
            raise ValueError("a space needs at least one hyperparameter to tune")
        return self

    def __len__(self) -> int:
        return len(self.root)

    def names(self) -> Iterator[str]:
        """The hyperparameters' names, in order."""
        return iter(self.root)

    def items(self) -> Iterator[tuple[str, FloatParameter | IntParameter | ChoiceParameter]]:
        """(name, parameter) pairs, in order."""
        return iter(self.root.items())

    def from_unit(self, unit: Sequence[float]) -> Point:
        """The point at `unit`, one coordinate in [0, 1] for each hyperparameter."""
        return {name: parameter.at(float(u)) for (name, parameter), u in zip(self.root.items(), unit, strict=True)}

    def admits(self, point: Mapping[str, Any]) -> bool:
        """Whether `point` has exactly this space's hyperparameters, each within its range and of its type."""
        return set(point) == set(self.root) and all(p.admits(point[name]) for name, p in self.root.items())

    def default(self) -> Point:
        """The declared defaults; the middle of the (log) range, or the first choice, where none is declared."""
        return {
            name: parameter.default
            if parameter.default is not None
            else parameter.values[0]
            if isinstance(parameter, ChoiceParameter)
            else parameter.at(0.5)
            for name, parameter in self.root.items()
        }
