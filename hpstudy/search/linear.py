"""Constraints in the unit coordinates of a space, for searchers that optimize an acquisition over them.

A coordinate is linear in the value of a linear range, and in the logarithm of the value of a log range. So a constraint on linear ranges is
linear in the coordinates, and so is a <= c b on two log ranges, since log a <= log c + log b. No other constraint on a log range is.
"""

from __future__ import annotations

import math

from hpstudy.errors import Problem
from hpstudy.study.constraints import Constraint
from hpstudy.study.parameters import AnyParameter, ChoiceParameter, IntParameter
from hpstudy.study.space import Space


def nonlinearity(constraint: Constraint, space: Space) -> str:
    """The reason why a constraint is not linear in the unit coordinates at all points of the space; "" if it is."""
    parameters = [space.root[name] for name in constraint.weights if name in space.root]
    logs = [name for name in constraint.weights if name in space.root and _is_log(space.root[name])]
    if logs and not _is_ratio(constraint, space):
        return (
            f"{constraint.text!r} is not linear where '{logs[0]}' is searched on a log scale: relate two log ranges, as in 'a <= 2*b', set "
            "log: false, or use the searcher sobol or random"
        )
    if any(parameter.when != parameters[0].when for parameter in parameters):
        return (
            f"{constraint.text!r} relates hyperparameters with different conditions, one of which may be absent without the others: use "
            "the searcher sobol or random"
        )
    return ""


def linearity_problems(space: Space) -> list[Problem]:
    """Problems: constraints of a space that the searcher cannot satisfy, since they are not linear in the coordinates."""
    texts = (nonlinearity(constraint, space) for constraint in space.constraints)
    return [Problem(("search", "searcher"), text) for text in texts if text]


def in_unit_coordinates(constraint: Constraint, space: Space) -> tuple[dict[str, float], float]:
    """Weights by hyperparameter, and bound, of a constraint that has no `nonlinearity`; they are scaled so that the largest weight is 1."""
    bound, weights = constraint.bound, dict[str, float]()
    if _is_ratio(constraint, space):
        bound = math.log(-min(constraint.weights.values()) / max(constraint.weights.values()))
    for name, weight in constraint.weights.items():
        parameter = space.root[name]
        sign = math.copysign(1.0, weight) if _is_log(parameter) else weight
        first, last = _ends(parameter)
        weights[name] = sign * (last - first)
        bound -= sign * first
    scale = max(map(abs, weights.values()))
    return {name: weight / scale for name, weight in weights.items()}, bound / scale


def _is_log(parameter: AnyParameter) -> bool:
    return not isinstance(parameter, ChoiceParameter) and parameter.log


def _is_ratio(constraint: Constraint, space: Space) -> bool:
    """Whether a constraint is a <= c b with c > 0 on two log ranges."""
    weights = constraint.weights
    logs = all(name in space.root and _is_log(space.root[name]) for name in weights)
    return logs and len(weights) == 2 and constraint.bound == 0 and math.prod(weights.values()) < 0


def _ends(parameter: AnyParameter) -> tuple[float, float]:
    """The value, or its logarithm, at the coordinates 0 and 1: half a step beyond the range where it has steps."""
    assert not isinstance(parameter, ChoiceParameter), "a constraint is about numbers"
    half = (parameter.step or isinstance(parameter, IntParameter)) / 2
    first, last = parameter.low - half, parameter.high + half
    return (math.log(first), math.log(last)) if parameter.log else (first, last)
