"""A user's function or task class, given in a study file as "my_module:my_function"."""

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
from hpstudy.tasks.interface import Report, Task, refused_method
from hpstudy.tasks.optuna_objective import OptunaSettings, OptunaTask
from hpstudy.tasks.own_function import OwnFunction, OwnSettings


class PythonSettings(OwnSettings):
    """Settings of a user's function."""

    constants: dict[str, Value] = Field(default_factory=dict)
    """Constants that are passed to the function with the hyperparameters. They are the same in every view."""


class PythonTask(OwnFunction):
    """A function `f(params, seed) -> float or dict of metrics`, or any other callable with these two arguments.

    `seed`, or both, can be keyword-only. A callable without a signature, such as a function of torch.jit, is called as f(params, seed).
    `params` contains the constants of the task, the fixed values of the view and the tuned hyperparameters. If a function has a parameter
    named `report`, it also receives the `Report` of the trial, which records metrics per epoch, `report(epoch, loss=0.3)`, and stores the
    state of a long training, `report.checkpoint`.

    Args:
        use: "module:function"; the folder of the study file is searched first.
        settings: constants for the function.

    Raises:
        PluginError: as `OwnFunction`, or the function cannot be called as above.
    """

    Settings = PythonSettings
    settings: PythonSettings

    def __init__(self, use: str, settings: PythonSettings) -> None:
        super().__init__(use, settings)
        self._wants_report, self._by_name = _convention(use.removeprefix(MAIN), self.function)

    def check_view(self, view: View) -> list[Problem]:
        """Accept any space, but no method, and no hyperparameter with the name of a constant."""
        problems = refused_method(view, "your own function")
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
    """Return whether a function takes `report`, and which of params and seed it takes by keyword.

    Raises:
        PluginError: the function cannot be called with params and seed.
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
        f"'{use}' takes {signature}, but it must take (params, seed)",
        "define it as: def my_function(params, seed): ... return a number, or a dict of metrics; for an Optuna objective, f(trial), add "
        "style: optuna to the task block",
    )


def user_task(use: str, settings: Mapping[str, Any]) -> Task:
    """Create the task for "module:name": an instance of a `Task` subclass, or a wrapper of a function.

    Raises:
        PluginError: see `hpstudy.plugins.load_callable`.
        pydantic.ValidationError: the settings are invalid for the task.
    """
    if (task_class := _task_class(use, settings)) is not None:
        return task_class(task_class.Settings.model_validate(dict(settings)))
    if is_optuna(settings):
        return OptunaTask(use, OptunaSettings.model_validate(dict(settings)))
    return PythonTask(use, PythonSettings.model_validate(dict(settings)))


def settings_model(use: str, settings: Mapping[str, Any]) -> type[BaseModel]:
    """Return the settings model of the task "module:name"."""
    if (task_class := _task_class(use, settings)) is not None:
        return task_class.Settings
    return OptunaSettings if is_optuna(settings) else PythonSettings


def _task_class(use: str, settings: Mapping[str, Any]) -> type[Task] | None:
    """Return the `Task` subclass "module:name"; None if it is a function."""
    if use.startswith(MAIN) and PICKLED in settings:
        return None
    target = load_callable(use)
    return target if isinstance(target, type) and issubclass(target, Task) else None


def is_optuna(settings: Mapping[str, Any]) -> bool:
    """Return whether the settings of a function are those of an Optuna objective."""
    return "style" in settings
