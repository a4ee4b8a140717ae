"""Base class of tasks that call a user's function: loading of the function, and its checksum."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from types import FunctionType
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from hpstudy.plugins import load_callable
from hpstudy.sources import FUNCTION, imported_sources
from hpstudy.study.blocks import Block
from hpstudy.tasks.interface import Task
from hpstudy.tasks.notebook.digest import digested
from hpstudy.tasks.notebook.pickled import PickledFunction


class OwnSettings(Block):
    """Settings of all user functions."""

    pickled: PickledFunction | None = None
    """The pickled function, if it is not in a module: a function passed to `hpstudy.run` in a notebook or a script."""

    @model_serializer(mode="wrap")
    def _without_absent(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit `pickled` from the settings of a function in a module."""
        return {key: value for key, value in dump(self).items() if key != "pickled" or value is not None}


class OwnFunction(Task):
    """A task that calls a user's function.

    Args:
        use: "module:function"; the folder of the study file is searched first.
        settings: settings for the kind of function.

    Raises:
        PluginError: the module cannot be imported, the function does not exist, or a pickled function cannot be loaded.
    """

    settings: OwnSettings

    def __init__(self, use: str, settings: OwnSettings) -> None:
        super().__init__(settings)
        self.function: Callable[..., Any] = load_callable(use) if settings.pickled is None else settings.pickled.load()

    def objectives(self) -> None:
        """Return None: the objectives are not known before the first trial."""

    def sources(self) -> dict[str, str]:
        """Return the checksums of a pickled function and the modules that it imports. That of a function in a module is of its file."""
        pickled = self.settings.pickled
        return {} if pickled is None else {FUNCTION + pickled.name: pickled.digest, **imported_sources(self.modules)}

    @cached_property
    def modules(self) -> frozenset[str]:
        """The names of the modules that a pickled function refers to or imports; empty for a function in a module."""
        if self.settings.pickled is None:
            return frozenset()
        assert isinstance(self.function, FunctionType), "others are not pickled"
        return digested(self.function).modules
