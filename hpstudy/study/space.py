"""Search spaces: the points that a view may try.

A space maps the unit cube to points. Searchers work on points; the cube is used for initial designs and plots.

A hyperparameter with a condition (`when`) is present in a point only if the condition holds there. An absent one has no value in the point.
Points also satisfy the constraints of their view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, PrivateAttr, RootModel, model_validator

from hpstudy.study.constraints import Constraint
from hpstudy.study.parameters import AnyParameter, ChoiceParameter, Parameter, Value, is_present, values_in_words

Point = dict[str, Value]
"""One setting of hyperparameters: name -> value."""


class Space(RootModel[dict[str, Parameter]]):
    """The hyperparameters that a view tunes, in the order of the study file."""

    model_config = ConfigDict(frozen=True)
    _constraints: tuple[Constraint, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _not_empty(self) -> Space:
        if not self.root:
            raise ValueError("a space needs at least one hyperparameter to tune")
        return self

    def __repr__(self) -> str:
        return f"<Space {'; '.join(f'{name}: {values_in_words(parameter)}' for name, parameter in self.items())}>"

    __str__ = __repr__

    def __len__(self) -> int:
        return len(self.root)

    def constrained(self, constraints: Iterable[Constraint]) -> Space:
        """The same hyperparameters with constraints."""
        space = Space(self.root)
        space._constraints = tuple(constraints)
        return space

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The constraints that every point satisfies, in the order of the view."""
        return self._constraints

    @property
    def is_conditional(self) -> bool:
        """Whether some hyperparameter may be absent."""
        return any(parameter.when for parameter in self.root.values())

    def names(self) -> Iterator[str]:
        """The hyperparameters' names, in order."""
        return iter(self.root)

    def items(self) -> Iterator[tuple[str, AnyParameter]]:
        """(name, parameter) pairs, in order."""
        return iter(self.root.items())

    def from_unit(self, unit: Sequence[float]) -> Point:
        """The point at `unit`, one coordinate in [0, 1] for each hyperparameter; those of absent ones have no effect.

        It may violate the constraints.
        """
        return self.present({name: parameter.at(float(u)) for (name, parameter), u in zip(self.root.items(), unit, strict=True)})

    def present(self, values: Mapping[str, Value]) -> Point:
        """The given values of hyperparameters whose condition holds. Without the value of a parent it does not hold."""
        point: Point = {}
        for name, parameter in self.root.items():
            if name in values and is_present(parameter, point):
                point[name] = values[name]
        return point

    def satisfies(self, point: Mapping[str, Value]) -> bool:
        """Whether a point satisfies the constraints."""
        return all(constraint.holds(point) for constraint in self._constraints)

    def admits(self, point: Mapping[str, Any]) -> bool:
        """Whether `point` has exactly the present hyperparameters, with valid types and ranges, and satisfies the constraints."""
        names = [name for name, parameter in self.root.items() if is_present(parameter, point)]
        return set(point) == set(names) and all(self.root[name].admits(point[name]) for name in names) and self.satisfies(point)

    def default(self) -> Point:
        """The default point: declared defaults, otherwise the middle of the (log) range or the first choice."""
        return self.present(
            {
                name: parameter.default
                if parameter.default is not None
                else parameter.values[0]
                if isinstance(parameter, ChoiceParameter)
                else parameter.at(0.5)
                for name, parameter in self.root.items()
            }
        )
