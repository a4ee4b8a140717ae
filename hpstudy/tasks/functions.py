"""Analytic test functions as tasks. They are fast and have a known optimum, for trying a study and for testing searchers.

Branin and Hartmann 6 are as defined by Surjanovic and Bingham (https://www.sfu.ca/~ssurjano/optimization.html), with added Gaussian noise.
A function can have dummy hyperparameters without an effect: a view that tunes them shows the cost of irrelevant dimensions.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from hpstudy.errors import Problem, nearest
from hpstudy.study.blocks import Block
from hpstudy.study.parameters import ChoiceParameter
from hpstudy.study.schema import View
from hpstudy.study.space import Point
from hpstudy.tasks.interface import Report, Task, refused_method


class FunctionSettings(Block):
    """Settings of an analytic function."""

    noise: float = Field(default=0.1, ge=0)
    """Standard deviation of the Gaussian noise on the measured value."""
    dummies: int = Field(default=0, ge=0, le=50)
    """Number of dummy hyperparameters z1, z2, ... in [0, 1], which have no effect."""


class AnalyticFunction(Task):
    """A function of real numbers whose noisy value is minimized.

    Metrics: `value`, with noise; `true_value`, without noise; `regret`, true value minus the known minimum.
    """

    Settings = FunctionSettings
    settings: FunctionSettings
    domain: ClassVar[Mapping[str, tuple[float, float]]]
    """Range of each argument, including both ends."""
    minimum: ClassVar[float]
    """Global minimum of the function."""

    @abstractmethod
    def value(self, x: Sequence[float]) -> float:
        """Return the function without noise at `x`, which has one number for each argument of `domain`, in the same order."""

    def objectives(self) -> Sequence[str]:
        """Return "value". The true value and the regret are recorded, but no search may use them."""
        return ("value",)

    def _ranges(self) -> dict[str, tuple[float, float]]:
        dummies = {f"z{i + 1}": (0.0, 1.0) for i in range(self.settings.dummies)}
        return {**self.domain, **dummies}

    def check_view(self, view: View) -> list[Problem]:
        """Check that every argument is tuned or fixed within its range, and that there is no method."""
        ranges = self._ranges()
        problems = refused_method(view, "an analytic function")
        for name, parameter in view.space.items():
            if name not in ranges:
                problems.append(Problem(("space", name), f"no such argument: {nearest(name, ranges)}"))
            elif parameter.when and name in self.domain:
                problems.append(Problem(("space", name, "when"), "a function needs all of its arguments: remove the condition"))
            elif isinstance(parameter, ChoiceParameter):
                problems += [
                    Problem(("space", name, "values"), text) for v in parameter.values for text in _outside(v, *ranges[name])
                ]
            else:
                ends = {"low": parameter.low, "high": parameter.high}
                problems += [
                    Problem(("space", name, end), text) for end, v in ends.items() for text in _outside(v, *ranges[name])
                ]
        for name, value in view.fixed.items():
            if name not in ranges:
                problems.append(Problem(("fixed", name), f"no such argument: {nearest(name, ranges)}"))
            else:
                problems += [Problem(("fixed", name), text) for text in _outside(value, *ranges[name])]
        present = {*view.space.names(), *view.fixed}
        problems += [
            Problem(("space",), f"argument '{name}' is neither tuned nor fixed: add it to 'space' or 'fixed'")
            for name in self.domain
            if name not in present
        ]
        return problems

    def evaluate(self, view: View, point: Point, seed: int, report: Report) -> dict[str, float]:
        """Evaluate the function at the point, with the noise of the seed."""
        arguments = {**view.fixed, **point}
        true = self.value([float(arguments[name]) for name in self.domain])
        noise = self.settings.noise * np.random.default_rng(seed).standard_normal()
        return {"value": true + noise, "true_value": true, "regret": true - self.minimum}


def _outside(value: object, low: float, high: float) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [f"{value!r} is not a number"]
    return [] if low <= value <= high else [f"{value} is outside the function's domain [{low}, {high}]"]


class Branin(AnalyticFunction):
    """The Branin function of two arguments: three global minima of 0.397887."""

    domain: ClassVar = {"x1": (-5.0, 10.0), "x2": (0.0, 15.0)}
    minimum = 0.39788735772973816

    def value(self, x: Sequence[float]) -> float:
        """Return the Branin function at (x1, x2)."""
        x1, x2 = x
        b, c, r, s, t = 5.1 / (4 * math.pi**2), 5 / math.pi, 6.0, 10.0, 1 / (8 * math.pi)
        return (x2 - b * x1**2 + c * x1 - r) ** 2 + s * (1 - t) * math.cos(x1) + s


class Hartmann6(AnalyticFunction):
    """The Hartmann function of six arguments: six local minima, the global one -3.32237."""

    domain: ClassVar = {f"x{i + 1}": (0.0, 1.0) for i in range(6)}
    minimum = -3.3223680114155147

    _ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
    _A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
    _P = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )

    def value(self, x: Sequence[float]) -> float:
        """Return the Hartmann 6 function at (x1, ..., x6)."""
        return float(-self._ALPHA @ np.exp(-np.sum(self._A * (np.asarray(x) - self._P) ** 2, axis=1)))
