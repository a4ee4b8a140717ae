"""Constraints between hyperparameters: linear inequalities such as "warmup <= epochs" and "a + 2*b <= 10".

    constraint = sum ("<=" | ">=" | "<" | ">") sum
    sum        = ["+" | "-"] term {("+" | "-") term}
    term       = number | name | number "*" name

A name starts with a letter or "_" and continues with letters, digits, "_" and ".". Nothing is evaluated as code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hpstudy.study.parameters import Value

FORMS = "write sums of hyperparameters and numbers around one <=, >=, < or >, as in 'warmup <= epochs' or 'a + 2*b <= 10'"
"""The valid forms, as a part of messages."""

ROUNDING = 1e-9
"""The two sides are equal if their difference is below this, relative to the largest term: 0.1 + 0.2 <= 0.3 holds."""

_COMPARISON = re.compile("(<=|>=|<|>)")
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NAME = r"[^\W\d][\w.]*"
_TERM = re.compile(rf"\s*([+-]?)\s*(?:({_NUMBER})(?:\s*\*\s*({_NAME}))?|({_NAME}))\s*")


@dataclass(frozen=True)
class Constraint:
    """A linear constraint: a weighted sum of values is at most a bound, or less than it.

    Attributes:
        text: as written.
        weights: nonzero weights of two or more hyperparameters.
        bound: upper bound of the sum.
        strict: whether the sum must be less than the bound.
    """

    text: str
    weights: Mapping[str, float]
    bound: float
    strict: bool

    def holds(self, point: Mapping[str, Value]) -> bool:
        """Whether a point satisfies it. It is satisfied if one of its hyperparameters is absent."""
        if not point.keys() >= self.weights.keys():
            return True
        terms = [weight * float(point[name]) for name, weight in self.weights.items()]
        rounding = ROUNDING * max(map(abs, (*terms, self.bound)))
        return sum(terms) < self.bound - rounding if self.strict else sum(terms) <= self.bound + rounding


def parse(text: str) -> Constraint:
    """Parse a constraint.

    >>> constraint = parse("2*a - b >= 1")
    >>> constraint.weights, constraint.bound
    ({'a': -2.0, 'b': 1.0}, -1.0)

    Raises:
        ValueError: the text has none of the valid forms, or does not relate two hyperparameters.
    """
    left, comparison, right = parts if len(parts := _COMPARISON.split(text)) == 3 else ("", "", "")
    if not comparison:
        raise ValueError(f"{text!r} is not a constraint: {FORMS}")
    sign = -1.0 if comparison[0] == ">" else 1.0
    sums: dict[str, float] = {}
    for side, factor in ((left, sign), (right, -sign)):
        for weight, name in _terms(side, text):
            sums[name] = sums.get(name, 0.0) + factor * weight
    bound = 0.0 - sums.pop("", 0.0)
    weights = {name: weight for name, weight in sums.items() if weight}
    if not all(map(math.isfinite, (*weights.values(), bound))):
        raise ValueError(f"{text!r} has a number that is too large")
    if len(weights) < 2:
        raise ValueError(f"{text!r} does not relate two hyperparameters: bound a single one by the low or high of its range")
    return Constraint(text, weights, bound, len(comparison) == 1)


def _terms(side: str, text: str) -> list[tuple[float, str]]:
    """The terms of one side of a constraint: signed weights of names, and numbers with the name ""."""
    terms: list[tuple[float, str]] = []
    position = 0
    while position < len(side):
        match = _TERM.match(side, position)
        if match is None or (terms and not match[1]):
            raise ValueError(f"{side[position:].strip()!r} in {text!r} is not a term: {FORMS}")
        weight = float(match[2] or 1)
        terms.append((-weight if match[1] == "-" else weight, match[3] or match[4] or ""))
        position = match.end()
    if not terms:
        raise ValueError(f"{text!r} has an empty side: {FORMS}")
    return terms
