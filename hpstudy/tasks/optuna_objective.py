"""A user's Optuna objective, `objective(trial) -> float`, with suggestions from the declared space. Optuna is not needed."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from hpstudy.errors import PluginError, Problem, TrialFailed
from hpstudy.study.parameters import AnyParameter, ChoiceParameter, Value, conditions, same_value
from hpstudy.study.schema import MAIN, View
from hpstudy.study.space import Point
from hpstudy.tasks.interface import Report, refused_method
from hpstudy.tasks.outcome import Valued
from hpstudy.tasks.own_function import OwnFunction, OwnSettings

INTERMEDIATE = "intermediate"
"""Metric of the curve recorded by `trial.report`."""


class OptunaSettings(OwnSettings):
    """Settings of an Optuna objective."""

    style: Literal["optuna"]
    """The function is an Optuna objective: it takes a trial."""


class OptunaTask(OwnFunction):
    """A function `objective(trial) -> float` that gets its hyperparameters from `trial.suggest_float` and similar methods.

    Args:
        use: "module:function"; the folder of the study file is searched first.
        settings: settings of this style.

    Raises:
        PluginError: as `OwnFunction`, or the function cannot be called with a trial.
    """

    Settings = OptunaSettings

    def __init__(self, use: str, settings: OptunaSettings) -> None:
        super().__init__(use, settings)
        _refuse_other_signatures(use.removeprefix(MAIN), self.function)

    def check_view(self, view: View) -> list[Problem]:
        """Accept any space, but no method."""
        return refused_method(view, "an objective")

    def evaluate(self, view: View, point: Point, seed: int, report: Report) -> Valued:
        """Call the objective.

        Raises:
            TrialFailed: the objective asks for a hyperparameter that the view does not declare, or declares differently.
        """
        trial = Trial(view, point, seed, report)
        return Valued(self.function(trial), trial.user_attrs)


class Trial:
    """The trial that an objective receives: the part of `optuna.trial.Trial` that works without an Optuna study.

    Attributes:
        number: the seed of the training, a 31-bit integer.
        params: the values suggested so far.
        user_attrs: the attributes set so far.
    """

    def __init__(self, view: View, point: Point, seed: int, report: Report) -> None:
        self.number = seed
        self.params: dict[str, Value] = {}
        self.user_attrs: dict[str, Any] = {}
        self._declared = dict(view.space.items())
        self._values: Mapping[str, Value] = {**view.fixed, **point}
        self._report = report
        self._reported = set[int]()

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        """Return the value of a real hyperparameter."""
        return float(self._suggest(name, {"type": "float", "low": low, "high": high, "log": log, "step": step}))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return the value of an integer hyperparameter."""
        return int(self._suggest(name, {"type": "int", "low": low, "high": high, "log": log, "step": step}))

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        """Return the value of a categorical hyperparameter."""
        return self._suggest(name, {"type": "choice", "values": list(choices)})

    def report(self, value: float, step: int) -> None:
        """Record an intermediate value. Only the first value of a step is recorded, as in Optuna."""
        if step not in self._reported:
            self._reported.add(step)
            self._report(step, **{INTERMEDIATE: value})

    def should_prune(self) -> bool:
        """Return False: a pruned trial would have no final value to compare."""
        return False

    def set_user_attr(self, key: str, value: Any) -> None:
        """Store a value with the trial: a number as a metric, any other value as an attribute."""
        self.user_attrs[key] = value

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"hpstudy's trial has no '{name}': it has suggest_float, suggest_int, suggest_categorical, report, should_prune, "
            "set_user_attr, user_attrs, params and number"
        )

    def _suggest(self, name: str, request: Mapping[str, Any]) -> Value:
        """Return the value of a hyperparameter. Raises TrialFailed if its declaration does not agree with the request."""
        if name not in self._values and name in self._declared:
            raise TrialFailed(
                f"the objective asks for '{name}', which is absent in this point: ask for it only under its condition in the view, "
                f"{_condition(self._declared[name])}"
            )
        if name not in self._values:
            example = request["values"][0] if "values" in request else request["low"]
            raise TrialFailed(
                f"the objective asks for '{name}', which the view neither tunes nor fixes.\n"
                f"Add to the view:\n  space:\n    {_yaml(name, request)}\n"
                f"or fix it at one value:\n  fixed: {{{name}: {_text(example)}}}"
            )
        value = self._values[name]
        parameter = self._declared.get(name)
        differences = _outside(request, value) if parameter is None else _differences(request, parameter)
        if differences:
            raise TrialFailed(f"the objective and the view disagree on '{name}': {'; '.join(differences)}; change one of the two")
        self.params[name] = value
        return value


def _condition(parameter: AnyParameter) -> str:
    """Return the condition of a hyperparameter as it is written in a study file."""
    values = (f"{name}: {_text(list(values))}" for name, values in conditions(parameter).items())
    return f"when: {{{', '.join(values)}}}"


def _differences(request: Mapping[str, Any], declared: AnyParameter) -> list[str]:
    """Return where a declaration exceeds the request of an objective. A narrower range, or fewer choices, is allowed."""
    if request["type"] != declared.type:
        return [f"it asks for type {request['type']}, the view declares {declared.type}"]
    if isinstance(declared, ChoiceParameter):
        extra = [value for value in declared.values if not any(same_value(value, choice) for choice in request["values"])]
        return [f"the view's {_text(value)} is not among its choices {_text(request['values'])}" for value in extra]
    differences = []
    if declared.low < request["low"] and not same_value(declared.low, request["low"]):
        differences.append(f"the view's low {_text(declared.low)} is below its low {_text(request['low'])}")
    if declared.high > request["high"] and not same_value(declared.high, request["high"]):
        differences.append(f"the view's high {_text(declared.high)} is above its high {_text(request['high'])}")
    differences += [
        f"it has {key}: {_text(request[key])}, the view {key}: {_text(getattr(declared, key))}"
        for key in ("log", "step")
        if not _equal(request[key], getattr(declared, key), default=1 if key == "step" and declared.type == "int" else None)
    ]
    return differences


def _equal(request: Any, declared: Any, *, default: Any) -> bool:
    """Return whether two settings are equal; `default` replaces an absent one."""
    return bool((default if request is None else request) == (default if declared is None else declared))


def _outside(request: Mapping[str, Any], value: Value) -> list[str]:
    """Return the reason why a fixed value does not agree with the request of an objective."""
    if request["type"] == "choice":
        is_choice = any(same_value(value, choice) for choice in request["values"])
        return [] if is_choice else [f"the fixed value {_text(value)} is not among its choices {_text(request['values'])}"]
    kinds = int if request["type"] == "int" else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not request["low"] <= value <= request["high"]:
        return [
            f"the fixed value {_text(value)} is not a valid {request['type']} from {_text(request['low'])} to {_text(request['high'])}"
        ]
    return []


def _yaml(name: str, request: Mapping[str, Any]) -> str:
    """Return the line of a study file that declares the request of an objective."""
    absent = (None, False, 1) if request["type"] == "int" else (None, False)
    kept = {key: value for key, value in request.items() if key not in ("log", "step") or value not in absent}
    return f"{name}: {{{', '.join(f'{key}: {_text(value)}' for key, value in kept.items())}}}"


def _text(value: Any) -> str:
    """Return a value as it is written in a study file."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return json.dumps(value) if isinstance(value, str) and not value.isidentifier() else str(value)


def _refuse_other_signatures(use: str, function: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(function)
        signature.bind(None)
    except ValueError:  # written in C
        return
    except TypeError:
        raise PluginError(
            f"'{use}' takes {signature}, but an Optuna objective takes (trial)",
            "define it as: def my_objective(trial): ... return a number; or remove style: optuna",
        ) from None
