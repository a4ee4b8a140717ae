"""Checks of the conditions, constraints and enqueued points of a view: they must fit its hyperparameters and leave enough points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hpstudy.errors import Problem, nearest
from hpstudy.search.feasible import MIN_SHARE, feasible_share
from hpstudy.search.interface import Searcher
from hpstudy.search.values import describe_domain, invalidity
from hpstudy.study.explain import shown
from hpstudy.study.parameters import ChoiceParameter, Value, conditions, is_present
from hpstudy.study.schema import View

MOST_VALUES = 1_000
"""Maximum values of a hyperparameter named in a condition, because a searcher checks each of them against the condition."""


def check_space(view: View) -> list[Problem]:
    """All problems of the conditions, constraints and enqueued points of a view. Keys are relative to the view."""
    problems = [*_condition_problems(view), *_constraint_problems(view)]
    return problems or [*_feasibility_problems(view), *_enqueue_problems(view)]


def check_enqueued(view: View, searcher: Searcher, trials: int | None) -> Iterator[Problem]:
    """Problems: enqueued points in a sweep, or too many of them. Keys are relative to the view."""
    if view.enqueue and searcher.lists_points:
        yield Problem(("enqueue",), "enqueued points are for searches, and a sweep lists its points: add them to the sweep")
    elif trials is not None and len(view.enqueue) > trials:
        text = f"{len(view.enqueue)} points do not fit into a search of {trials} trials: enqueue fewer, or raise 'trials'"
        yield Problem(("enqueue",), text)


def _condition_problems(view: View) -> Iterator[Problem]:
    names = list(view.space.names())
    for name, parameter in view.space.items():
        for parent, values in conditions(parameter).items():
            text = _name_problem(view, parent, names[: names.index(name)]) or _value_problem(view, parent, values)
            if text:
                yield Problem(("space", name, "when", parent), text)


def _name_problem(view: View, parent: str, above: Sequence[str]) -> str:
    """The reason why a condition cannot name a hyperparameter; "" if it can."""
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


def _value_problem(view: View, parent: str, values: Sequence[Value]) -> str:
    """The reason why a hyperparameter cannot have the given values; "" if it can."""
    if not values:
        return f"lists no value of '{parent}': give one or more"
    return next((text for value in values if (text := invalidity(view.space.root[parent], value))), "")


def _constraint_problems(view: View) -> Iterator[Problem]:
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


def _enqueue_problems(view: View) -> Iterator[Problem]:
    """Problems: enqueued points that are not points of the space."""
    for index, values in enumerate(view.enqueue):
        yield from (replace(problem, key=("enqueue", index, *problem.key)) for problem in point_problems(view, values))


def point_problems(view: View, values: Mapping[str, Value]) -> Iterator[Problem]:
    """The reasons why values are not a point of the space of a view. The key of a problem is a hyperparameter, or empty."""
    present = view.space.present(values)
    problems = [*_point_value_problems(view, values, present)]
    yield from problems
    for constraint in view.space.constraints if not problems else ():
        if not constraint.holds(present):
            yield Problem((), f"the point violates the constraint {constraint.text!r}")


def _point_value_problems(view: View, values: Mapping[str, Value], present: Mapping[str, Value]) -> Iterator[Problem]:
    """Problems: values of a point that are missing, unexpected or out of range. `present` are those of present hyperparameters."""
    for name, value in values.items():
        if name not in view.space.names():
            yield Problem((name,), f"the view does not tune '{name}': {nearest(name, view.space.names())}")
        elif name not in present:
            yield Problem((name,), f"the condition of '{name}' does not hold in this point: remove the value")
        elif text := invalidity(view.space.root[name], value):
            yield Problem((name,), text)
    for name, parameter in view.space.items():
        if name not in values and is_present(parameter, present):
            yield Problem((), f"the point has no value of '{name}', {describe_domain(parameter)}")


def _feasibility_problems(view: View) -> Iterator[Problem]:
    """Problems: constraints that the default point violates, or that exclude too much of the space."""
    space, default = view.space, view.space.default()
    for index, constraint in enumerate(space.constraints):
        if not constraint.holds(default):
            at = ", ".join(f"{name} {shown(default[name])}" for name in constraint.weights)
            yield Problem(("constraints", index), f"the default point violates it ({at}): give 'default' values that satisfy it")
    if space.constraints and feasible_share(space) < MIN_SHARE:
        text = f"less than {MIN_SHARE:.0%} of the points of the space satisfy the constraints: narrow the ranges of 'space'"
        yield Problem(("constraints",), text)
