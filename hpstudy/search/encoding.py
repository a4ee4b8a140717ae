"""Encodes points as coordinates in [0, 1], for surrogates that accept only real numbers.

Every hyperparameter becomes one coordinate, except an unordered choice of three or more values, which becomes one per value (one-hot). A
surrogate would see differences inside a cell that maps to a single value. So it must *snap* the coordinates of integers, steps and choices
to their cells before it compares points. Coordinates of an absent hyperparameter must have no effect either. They are snapped to their
middle; for a range, Ax imputes the same value in hierarchical search spaces.

References:
    E. C. Garrido-Merchán, D. Hernández-Lobato, "Dealing with categorical and integer-valued variables in Bayesian optimization
    with Gaussian processes", Neurocomputing 380 (2020), section 3, https://arxiv.org/abs/1805.03463.
    J.-C. Lévesque, A. Durand, C. Gagné, R. Sabourin, "Bayesian optimization for conditional hyperparameter spaces", IJCNN 2017,
    https://doi.org/10.1109/IJCNN.2017.7965867 (imputation of absent hyperparameters).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hpstudy.search.linear import in_unit_coordinates
from hpstudy.study.parameters import ChoiceParameter, Value, conditions, is_one_of
from hpstudy.study.space import Point, Space

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_CELLS = 1_000
"""Ranges with more values than this are not snapped: their cells are too narrow to matter, and a table of a billion cells would not fit in
memory."""

Array: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True)
class Cells:
    """The cells of a coordinate that takes few values.

    Attributes:
        column: index of the coordinate.
        borders: (values - 1,) upper ends of all cells but the last, in [0, 1].
        centers: (values,) the coordinate to which each cell is snapped, in [0, 1].
    """

    column: int
    borders: Array
    centers: Array


@dataclass(frozen=True)
class Condition:
    """Coordinates that have an effect only under a condition.

    Attributes:
        start: first coordinate.
        neutral: (coordinates,) their values if the condition does not hold.
        parents: (first coordinate, indices of the admitted values) of each hyperparameter that the condition names.
    """

    start: int
    neutral: tuple[float, ...]
    parents: tuple[tuple[int, tuple[int, ...]], ...]


class Encoding:
    """The encoding of a space's points as coordinates.

    Attributes:
        space: the space of the points.
        width: number of coordinates.
        cells: coordinates that are snapped to a cell's center.
        one_hot: (first coordinate, number of values) of every unordered choice of three or more values.
        columns: first coordinate of every hyperparameter.
        conditions: conditions of the coordinates of hyperparameters that may be absent, parents before children.
    """

    def __init__(self, space: Space) -> None:
        import numpy as np

        self.space = space
        self.width = 0
        self.cells: list[Cells] = []
        self.one_hot: list[tuple[int, int]] = []
        self.conditions: list[Condition] = []
        self.columns: dict[str, int] = {}
        for name, parameter in space.items():
            start = self.columns[name] = self.width
            if isinstance(parameter, ChoiceParameter):
                values = len(parameter.values)
                if values > 2 and not parameter.ordered:
                    self.one_hot.append((self.width, values))
                    self.width += values - 1
                else:
                    # The first and last value are at 0 and 1, so two values are as far apart as the ends of a range.
                    self.cells.append(Cells(self.width, np.arange(1, values) / values, np.linspace(0, 1, values)))
            elif parameter.count is not None and parameter.count <= MAX_CELLS:
                numbers = [parameter.value(index) for index in range(parameter.count)]
                if parameter.step is None:
                    borders = np.array([parameter.unit(number + 0.5) for number in numbers[:-1]])
                else:
                    borders = np.arange(1, parameter.count) / parameter.count
                self.cells.append(Cells(self.width, borders, np.array([parameter.unit(number) for number in numbers])))
            self.width += 1
            if parameter.when:
                parents = tuple(
                    (self.columns[parent], self._indices(parent, values)) for parent, values in conditions(parameter).items()
                )
                self.conditions.append(Condition(start, self._neutral(start), parents))

    def _indices(self, name: str, values: Sequence[Value]) -> tuple[int, ...]:
        """The indices of the given values of a hyperparameter."""
        parameter = self.space.root[name]
        assert parameter.count is not None, "a condition is about single values"
        return tuple(index for index in range(parameter.count) if is_one_of(parameter.value(index), values))

    def _neutral(self, start: int) -> tuple[float, ...]:
        """The neutral middle of the coordinates from `start` to the last one."""
        return (1 / (self.width - start),) * (self.width - start) if self.width - start > 1 else (0.5,)

    def constraints(self) -> list[tuple[dict[int, float], float]]:
        """The constraints of the space in coordinates: weights by coordinate, and bound."""
        linear = [in_unit_coordinates(constraint, self.space) for constraint in self.space.constraints]
        return [({self.columns[name]: weight for name, weight in weights.items()}, bound) for weights, bound in linear]

    def encode(self, point: Point) -> list[float]:
        """The coordinates of a point, `width` numbers in [0, 1]; the middle for an absent hyperparameter."""
        coordinates: list[float] = []
        neutral = {condition.start: condition.neutral for condition in self.conditions}
        for name, parameter in self.space.items():
            if name not in point:
                coordinates += neutral[self.columns[name]]
            elif isinstance(parameter, ChoiceParameter) and len(parameter.values) > 2 and not parameter.ordered:
                coordinates += [float(value == point[name]) for value in parameter.values]
            else:
                coordinates.append(min(max(parameter.unit(point[name]), 0.0), 1.0))
        return coordinates

    def decode(self, coordinates: Sequence[float]) -> Point:
        """The point at `width` coordinates in [0, 1]. Values that rounding moved beyond the ends are clamped."""
        import numpy as np

        clamped = np.clip(np.asarray(coordinates, dtype=np.float64), 0.0, 1.0)
        starts = dict(self.one_hot)
        unit, column = [], 0
        while column < self.width:
            values = starts.get(column, 1)
            chosen = float(np.argmax(clamped[column : column + values]))
            unit.append((chosen + 0.5) / values if values > 1 else float(clamped[column]))
            column += values
        return self.space.from_unit(unit)
