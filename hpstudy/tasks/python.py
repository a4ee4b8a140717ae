"""A user's own function, or task class, named in a study file as "my_module:my_function"."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from hpstudy.errors import PluginError, Problem
from hpstudy.plugins import load_callable
from hpstudy.study.schema import View
from hpstudy.study.space import Point, Value
from hpstudy.tasks.interface import Report, Task


class PythonSettings(BaseModel):
    """Settings of a user's own function."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    constants: dict[str, Value] = {}
    """Passed to the function beside the hyperparameters, the same in every view."""


class PythonTask(Task):
    """A function `f(params, seed) -> float or dict of metrics`.

    `params` holds the task's constants, the view's fixed values and the tuned hyperparameters. A function that has a parameter
    called `report` is also given the `Report` of the trial, to record metrics per epoch, `report(epoch, loss=0.3)`, and to keep
    the state of a long training, `report.checkpoint`.

    Args:
        use: "module:function"; the folder of the study file is searched first.
        settings: constants for the function.

    Raises:
        PluginError: the module cannot be imported, or the function is not there or not callable as above.
    """

    Settings = PythonSettings
    settings: PythonSettings

    def __init__(self, use: str, settings: PythonSettings) -> None:
        super().__init__(settings)
        self.use = use
        self.function = load_callable(use)
        parameters = inspect.signature(self.function).parameters
        self._wants_report = "report" in parameters
        positional = [p for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if len([p for p in positional if p.name != "report"]) < 2:
            raise PluginError(
                f"'{use}' takes {tuple(parameters)}, but a function to study takes (params, seed)",
                "define it as: def my_function(params, seed): ... return a number, or a dict of metrics",
            )

    def objectives(self) -> None:
        """Not known before the first trial."""

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
        extra = {"report": report} if self._wants_report else {}
        return self.function(params, seed, **extra)  # type: ignore[no-any-return]


def user_task(use: str, settings: Mapping[str, Any]) -> Task:
    """The task that "module:name" names: a `Task` subclass is made from its own settings, a function is wrapped.

    Raises:
        PluginError: see `hpstudy.plugins.load_callable`.
        pydantic.ValidationError: the settings are not the task's.
    """
    target = load_callable(use)
    if isinstance(target, type) and issubclass(target, Task):
        return target(target.Settings.model_validate(dict(settings)))
    return PythonTask(use, PythonSettings.model_validate(dict(settings)))
