"""A user's own function, or task class, named in a study file as "my_module:my_function"."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, Field

from hpstudy.errors import PluginError, Problem
from hpstudy.plugins import load_callable
from hpstudy.study.parameters import Value
from hpstudy.study.schema import MAIN, PICKLED, View
from hpstudy.study.space import Point
from hpstudy.tasks.interface import Report, Task
from hpstudy.tasks.optuna_objective import OptunaSettings, OptunaTask
from hpstudy.tasks.own_function import OwnFunction, OwnSettings


class PythonSettings(OwnSettings):
    """Settings of a user's own function."""

    constants: dict[str, Value] = Field(default_factory=dict)
    """Passed to the function beside the hyperparameters, the same in every view."""


class PythonTask(OwnFunction):
    """A function `f(params, seed) -> float or dict of metrics`: anything that can be called with these two arguments.

    `seed`, or both, may be keyword-only. A callable without a signature, such as a function of torch.jit, is called as f(params, seed).
    `params` holds the task's constants, the view's fixed values and the tuned hyperparameters. A function that has a parameter
    called `report` is also given the `Report` of the trial, to record metrics per epoch, `report(epoch, loss=0.3)`, and to keep
    the state of a long training, `report.checkpoint`.

    Args:
        use: "module:function"; the folder of the study file is searched first.
        settings: constants for the function.

    Raises:
        PluginError: as `OwnFunction`, or the function is not callable as above.
    """

    Settings = PythonSettings
    settings: PythonSettings

    def __init__(self, use: str, settings: PythonSettings) -> None:
        super().__init__(use, settings)
        self._wants_report, self._by_name = _convention(use.removeprefix(MAIN), self.function)

    def check_view(self, view: View) -> list[Problem]:
        """Any space will do; a method means nothing to a function, and a constant may not be set twice."""
        problems = []
        if view.method is not None:
            problems.append(Problem(("method",), "a function of your own has no methods: remove this key"))
        for block, names in (("space", list(view.space.names())), ("fixed", list(view.fixed))):
            problems += [
                Problem((block, name), f"'{name}' is also among the task's constants: keep one of them")
                for name in names
                if name in self.settings.constants
            ]
        return problems

    def evaluate(self, view: View, point: Point, seed: int, report: Report) -> Mapping[str, Any] | float:
        """Call the function."""
        params = {**self.settings.constants, **view.fixed, **point}
        named = {name: value for name, value in (("params", params), ("seed", seed)) if name in self._by_name}
        positional = [value for name, value in (("params", params), ("seed", seed)) if name not in self._by_name]
        extra = {"report": report} if self._wants_report else {}
        return self.function(*positional, **named, **extra)  # type: ignore[no-any-return]


def _convention(use: str, function: Callable[..., Any]) -> tuple[bool, tuple[str, ...]]:
    """How a function is called: whether it takes `report`, and which of params and seed it takes by name.

    Raises:
        PluginError: it cannot be called with the two.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # written in C, or compiled by torch.jit
        return False, ()
    wants_report = "report" in signature.parameters
    extra = {"report": None} if wants_report else {}
    for by_name in ((), ("seed",), ("params", "seed")):
        try:
            signature.bind(*[None] * (2 - len(by_name)), **dict.fromkeys(by_name), **extra)
        except TypeError:
            continue
        return wants_report, by_name
    raise PluginError(
        f"'{use}' takes {signature}, but a function to study takes (params, seed)",
        "define it as: def my_function(params, seed): ... return a number, or a dict of metrics; for an Optuna objective, f(trial), add "
        "style: optuna to the task block",
    )


def user_task(use: str, settings: Mapping[str, Any]) -> Task:
    """The task that "module:name" names: a `Task` subclass is made from its own settings, a function is wrapped.

    Raises:
        PluginError: see `hpstudy.plugins.load_callable`.
        pydantic.ValidationError: the settings are not the task's.
    """
    if (own := _task_class(use, settings)) is not None:
        return own(own.Settings.model_validate(dict(settings)))
    if is_optuna(settings):
        return OptunaTask(use, OptunaSettings.model_validate(dict(settings)))
    return PythonTask(use, PythonSettings.model_validate(dict(settings)))


def settings_model(use: str, settings: Mapping[str, Any]) -> type[BaseModel]:
    """The model of the settings that "module:name" takes."""
    if (own := _task_class(use, settings)) is not None:
        return own.Settings
    return OptunaSettings if is_optuna(settings) else PythonSettings


def _task_class(use: str, settings: Mapping[str, Any]) -> type[Task] | None:
    """The `Task` subclass that "module:name" names; None when it names a function."""
    if use.startswith(MAIN) and PICKLED in settings:
        return None
    target = load_callable(use)
    return target if isinstance(target, type) and issubclass(target, Task) else None


def is_optuna(settings: Mapping[str, Any]) -> bool:
    """Whether a function's settings are those of an Optuna objective."""
    return "style" in settings
