"""Views of tasks that train binary networks: a method of the table, and its hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.methods.domain import choices, inconsistent, outside
from hpstudy.bnn.methods.interface import Hyperparameters
from hpstudy.errors import PluginError, Problem, nearest
from hpstudy.study.schema import View
from hpstudy.study.space import ChoiceParameter

MAX_CORNERS = 4_096
"""Corners of a space that are looked at: all of those of twelve ranges."""


def check_method_view(view: View) -> list[Problem]:
    """Everything that is wrong with a view of a method.

    The method exists; the hyperparameters are its own; every value, every end of a range and every choice is in its
    hyperparameter's domain; and the method accepts the view's default point and every corner of its space as a whole.
    """
    if view.method is None:
        return [Problem(("method",), f"this task needs a method: add 'method: NAME'; {nearest('', METHODS)}")]
    if view.method not in METHODS:
        return [Problem(("method",), f"no such method: {nearest(view.method, METHODS)}")]
    try:
        model: type[Hyperparameters] = METHODS.load(view.method).Hyperparameters
    except PluginError as error:
        return [Problem(("method",), str(error))]
    problems = []
    for block, name in [*(("space", name) for name in view.space.names()), *(("fixed", name) for name in view.fixed)]:
        if name not in model.model_fields:
            text = f"method '{view.method}' has no such hyperparameter: {nearest(name, model.model_fields)}"
            problems.append(Problem((block, name), text))
        else:
            problems += _problems_of(view, block, name, model)
    if not problems:
        problems = [Problem(("space",), text) for text in _joint_problems(view, model)]
    return problems


def _joint_problems(view: View, model: type[Hyperparameters]) -> list[str]:
    """What is wrong with values that are each in their domain but not together: at the default point, else at the first such corner."""
    if found := inconsistent(model, {**view.fixed, **view.space.default()}):
        return [f"at the default point: {text}" for text in found]
    ends = [p.values if isinstance(p, ChoiceParameter) else (p.low, p.high) for _, p in view.space.items()]
    for values in islice(product(*ends), MAX_CORNERS):
        corner = dict(zip(view.space.names(), values, strict=True))
        if found := inconsistent(model, {**view.fixed, **corner}):
            named = ", ".join(
                f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in corner.items()
            )
            return [f"a search may try points that the method refuses, such as {named}: {text}" for text in found]
    return []


def complete_method_view(view: View) -> View:
    """The view with every hyperparameter that it leaves open fixed at the method's default; unchanged without a method."""
    if view.method is None or view.method not in METHODS:
        return view
    model: type[Hyperparameters] = METHODS.load(view.method).Hyperparameters
    given = {*view.space.names(), *view.fixed}
    defaults = {name: field.default for name, field in model.model_fields.items() if name not in given}
    return view.model_copy(update={"fixed": {**view.fixed, **defaults}})


def _problems_of(view: View, block: str, name: str, model: type[Hyperparameters]) -> Iterator[Problem]:
    if block == "fixed":
        if text := outside(model, name, view.fixed[name]):
            yield Problem(("fixed", name), text)
        return
    parameter = view.space.root[name]
    if isinstance(parameter, ChoiceParameter):
        values: list[tuple[str, Any]] = [("values", value) for value in parameter.values]
    elif known := choices(model, name):
        valid = ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in known)
        yield Problem(("space", name, "type"), f"a choice, not a range: write {{type: choice, values: [{valid}]}}")
        return
    else:
        values = [("low", parameter.low), ("high", parameter.high)]
    for key, value in values:
        if text := outside(model, name, value):
            yield Problem(("space", name, key), text)
