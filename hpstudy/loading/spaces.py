"""Conditions and constraints of a view: whether they name hyperparameters that they can be about, and leave points to try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpstudy.errors import Problem, nearest
from hpstudy.search.feasible import LEAST_SHARE, feasible_share
from hpstudy.search.values import objection
from hpstudy.study.explain import shown
from hpstudy.study.parameters import ChoiceParameter, Value, conditions
from hpstudy.study.schema import View

MOST_VALUES = 1_000
"""Values of a hyperparameter that a condition names: a searcher looks up whether each of them is one of the condition's."""


def check_space(view: View) -> list[Problem]:
    """Everything that is wrong with the conditions and constraints of a view. Keys are relative to the view."""
    problems = [*_conditions(view), *_constraints(view)]
    return problems or [*_feasible(view)]


def _conditions(view: View) -> Iterator[Problem]:
    names = list(view.space.names())
    for name, parameter in view.space.items():
        for parent, values in conditions(parameter).items():
            above = names[: names.index(name)]
            text = _named(view, parent, above) or _listed(view, parent, values)
            if text:
                yield Problem(("space", name, "when", parent), text)


def _named(view: View, parent: str, above: Sequence[str]) -> str:
    """Why a condition cannot name a hyperparameter; "" when it can."""
    if parent in view.fixed:
        return f"'{parent}' is fixed in this view: remove the condition, or tune '{parent}'"
    if parent not in view.space.names():
        return f"no hyperparameter of this view is called '{parent}': {nearest(parent, above)}"
    if parent not in above:
        return f"a condition is about hyperparameters that are above it in 'space': move '{parent}' up"
    count = view.space.root[parent].count
    if count is None or count > MOST_VALUES:
        return f"'{parent}' is a range without single values: a condition is about a choice or at most {MOST_VALUES:,} numbers"
    return ""


def _listed(view: View, parent: str, values: Sequence[Value]) -> str:
    """Why a hyperparameter cannot have one of some values; "" when it can."""
    if not values:
        return f"lists no value of '{parent}': give one or more"
    return next((text for value in values if (text := objection(view.space.root[parent], value))), "")


def _constraints(view: View) -> Iterator[Problem]:
    for index, constraint in enumerate(view.space.constraints):
        for name in constraint.weights:
            text = ""
            if name in view.fixed:
                text = f"'{name}' is fixed in this view: write its value, {shown(view.fixed[name])}"
            elif name not in view.space.names():
                text = f"no hyperparameter of this view is called '{name}': {nearest(name, view.space.names())}"
            elif isinstance(view.space.root[name], ChoiceParameter):
                text = f"'{name}' is a choice, and a constraint relates ranges of numbers: write it as an int or float, possibly with steps"
            if text:
                yield Problem(("constraints", index), text)


def _feasible(view: View) -> Iterator[Problem]:
    """Constraints that the default point violates, or that leave too little of the space."""
    space, default = view.space, view.space.default()
    for index, constraint in enumerate(space.constraints):
        if not constraint.holds(default):
            at = ", ".join(f"{name} {shown(default[name])}" for name in constraint.weights)
            yield Problem(("constraints", index), f"the default point violates it ({at}): give 'default' values that satisfy it")
    if space.constraints and feasible_share(space) < LEAST_SHARE:
        text = f"less than {LEAST_SHARE:.0%} of the points of the space satisfy the constraints: narrow the ranges of 'space'"
        yield Problem(("constraints",), text)
