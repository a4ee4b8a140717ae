"""Checks of views with a training method, and completion with the method's defaults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.methods.domain import choices, inconsistent, outside
from hpstudy.bnn.methods.interface import Hyperparameters
from hpstudy.errors import PluginError, Problem, nearest
from hpstudy.study.parameters import ChoiceParameter
from hpstudy.study.schema import View
from hpstudy.study.space import Point


def check_method_view(view: View) -> list[Problem]:
    """Return all problems of a view with a method.

    Checks that the method exists, that it has these hyperparameters, and that every value, range end and choice is in the domain of
    its hyperparameter.
    """
    if view.method is None:
        return [Problem(("method",), f"this task needs a method: add 'method: NAME'; {nearest('', METHODS)}")]
    if view.method not in METHODS:
        return [Problem(("method",), f"no such method: {nearest(view.method, METHODS)}")]
    try:
        model = _hyperparameters(view.method)
    except PluginError as error:
        return [Problem(("method",), str(error))]
    problems = []
    for block, name in [*(("space", name) for name in view.space.names()), *(("fixed", name) for name in view.fixed)]:
        if name not in model.model_fields:
            text = f"method '{view.method}' has no such hyperparameter: {nearest(name, model.model_fields)}"
            problems.append(Problem((block, name), text))
        else:
            problems += _problems_of(view, block, name, model)
    return problems


def check_method_point(view: View, point: Point) -> list[str]:
    """Return the reasons why the method refuses a point of a view. `check_method_view` must have found no problem."""
    assert view.method is not None, "check_method_view refuses a view without a method"
    return inconsistent(_hyperparameters(view.method), {**view.fixed, **point})


def complete_method_view(view: View) -> View:
    """Return the view with all hyperparameters that it does not set fixed at the method's defaults; unchanged without a method."""
    if view.method is None or view.method not in METHODS:
        return view
    model = _hyperparameters(view.method)
    present = {*view.space.names(), *view.fixed}
    defaults = {name: field.default for name, field in model.model_fields.items() if name not in present}
    return view.model_copy(update={"fixed": {**view.fixed, **defaults}})


def _hyperparameters(method: str) -> type[Hyperparameters]:
    model: type[Hyperparameters] = METHODS.load(method).Hyperparameters
    return model


def _problems_of(view: View, block: str, name: str, model: type[Hyperparameters]) -> Iterator[Problem]:
    if block == "fixed":
        if text := outside(model, name, view.fixed[name]):
            yield Problem(("fixed", name), text)
        return
    parameter = view.space.root[name]
    if isinstance(parameter, ChoiceParameter):
        values: list[tuple[str, Any]] = [("values", value) for value in parameter.values]
    elif values_of_choice := choices(model, name):
        valid = ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values_of_choice)
        yield Problem(("space", name, "type"), f"a choice, not a range: write {{type: choice, values: [{valid}]}}")
        return
    else:
        values = [("low", parameter.low), ("high", parameter.high)]
    for key, value in values:
        if text := outside(model, name, value):
            yield Problem(("space", name, key), text)
