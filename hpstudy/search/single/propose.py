"""Proposes the next point of one search: bit for bit the point that Ax proposes, by BoTorch without Ax.

Ax's experiments, data frames and transforms take 25 ms per ask, and importing Ax takes seconds. They do not change a proposal.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from botorch.exceptions.errors import ModelFittingError
from botorch.optim.optimize import optimize_acqf
from torch import Tensor

from hpstudy.goal import Goal
from hpstudy.search.effort import FALLBACKS, Effort
from hpstudy.search.encoding import Encoding
from hpstudy.search.feasible import feasible_neighbors, projected
from hpstudy.search.interface import Observation
from hpstudy.search.outcomes import has_value
from hpstudy.search.single.surrogate import fitted, noisy_improvement
from hpstudy.search.untried import is_tried, untried_points
from hpstudy.study.space import Point, Space

logger = logging.getLogger(__name__)

Inequality: TypeAlias = tuple[Tensor, Tensor, float]
"""Columns, weights and bound of a linear constraint, as BoTorch has it: the weighted sum is at least the bound."""

CONSTRAINT_SLACK = 1e-7
"""Distance in coordinates by which the surrogate's constraints are wider than the true ones. Trials that violate them are not in the
acquisition's baseline, and the best trials often lie on a constraint."""

DECIMALS = 17
"""Decimals of the weights and bounds: Ax reads constraints as text, with 17 decimals."""

BATCHES = {"batch_limit": 20, "max_optimization_problem_aggregation_size": 5}
"""Ax's options of BoTorch's optimizer that `Effort` does not name."""


def propose(space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int, effort: Effort) -> Point | None:
    """The surrogate's proposal for trial `number`. It draws from torch's global generator.

    Args:
        space: the search space.
        history: trials 0 .. number - 1, of which at least two have a value.
        goal: whether values are minimized or maximized.
        seed: seed of the search.
        number: number of the requested trial, from 0.
        effort: settings of the optimizers.

    Returns:
        A point; None if the surrogate could not be fitted, or if there is no point to propose.
    """
    encoding = Encoding(space)
    try:
        model = fitted(encoding, history, goal=goal, effort=effort)
    except ModelFittingError as error:
        logger.warning("no Gaussian process could be fitted (%s): trial %d takes a Sobol point", error, number)
        return None
    inequalities = _inequalities(encoding)
    candidate = _maximum(acquisition(encoding, model, history, inequalities), encoding.width, inequalities, effort)
    point = projected(encoding, encoding.decode(candidate.tolist()))
    if space.satisfies(point) and not is_tried(point, history):
        return point
    untried = [near for near in feasible_neighbors(space, point) if not is_tried(near, history)]
    untried += untried_points(space, history, seed=seed, number=number, count=FALLBACKS)
    if not untried:
        return point if space.satisfies(point) else None
    with torch.no_grad():
        values = acquisition(encoding, model, history)(_coordinates(encoding, untried)[:, None])
    return untried[int(np.argmax(values.numpy()))]


def acquisition(encoding: Encoding, model: Any, history: Sequence[Observation], inequalities: Sequence[Inequality] = ()) -> Any:
    """The acquisition, with a baseline of the past trials that satisfy the constraints, or of all if none does."""
    observed = _coordinates(encoding, [past.point for past in history if has_value(past)])
    pending = _coordinates(encoding, [past.point for past in history if not has_value(past)])
    feasible = _distinct(observed, inequalities)
    return noisy_improvement(model, feasible if len(feasible) else _distinct(observed), _distinct(pending, inequalities))


def _coordinates(encoding: Encoding, points: Sequence[Point]) -> Tensor:
    """(points, width) coordinates."""
    return torch.tensor([encoding.encode(point) for point in points], dtype=torch.float64).view(-1, encoding.width)


def _distinct(coordinates: Tensor, inequalities: Sequence[Inequality] = ()) -> Tensor:
    """The distinct rows that satisfy the inequalities, in the order of Ax, which intersects sets of them.

    Another order gives other samples of the acquisition, and other points.
    """
    first, second = ({tuple(row) for row in coordinates.tolist()} for _ in range(2))
    rows = torch.tensor(list(first & second), dtype=torch.float64).view(-1, coordinates.shape[-1])
    for columns, weights, bound in inequalities:
        rows = rows[rows[:, columns] @ weights >= bound]
    return rows


def _inequalities(encoding: Encoding) -> list[Inequality]:
    """The constraints of the space in coordinates, with slack."""
    inequalities = []
    for weights, bound in encoding.constraints():
        rounded = {column: -round(weights[column], DECIMALS) for column in sorted(weights)}
        columns = [column for column, weight in rounded.items() if weight]
        factors = torch.tensor([rounded[column] for column in columns], dtype=torch.float64)
        inequalities.append((torch.tensor(columns), factors, -round(bound + CONSTRAINT_SLACK, DECIMALS)))
    return inequalities


def _maximum(acquisition: Any, width: int, inequalities: list[Inequality], effort: Effort) -> Tensor:
    """(width,) coordinates with the largest acquisition that BoTorch's optimizer finds from several starts."""
    candidates, _ = optimize_acqf(
        acquisition,
        torch.tensor([[0.0] * width, [1.0] * width], dtype=torch.float64),
        q=1,
        num_restarts=effort.restarts,
        raw_samples=effort.raw_samples,
        options={**BATCHES, "init_batch_limit": effort.raw_batch, "maxiter": effort.iterations},
        inequality_constraints=inequalities or None,
    )
    return candidates[0]
