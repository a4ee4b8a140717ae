"""What tasks that call a user's own function have in common: where the function comes from, and its checksum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from hpstudy.plugins import load_callable
from hpstudy.sources import FUNCTION
from hpstudy.tasks.interface import Task
from hpstudy.tasks.notebook.pickled import PickledFunction


class OwnSettings(BaseModel):
    """Settings of every function of the user's."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    pickled: PickledFunction | None = None
    """The function, where no module holds it: one that was given to `hpstudy.run` in a notebook or a script."""

    @model_serializer(mode="wrap")
    def _without_absent(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The settings of a function of a module are written without `pickled`."""
        return {key: value for key, value in dump(self).items() if key != "pickled" or value is not None}


class OwnFunction(Task):
    """A task that calls a function of the user's.

    Args:
        use: "module:function"; the folder of the study file is searched first.
        settings: of the kind of function.

    Raises:
        PluginError: the module cannot be imported, the function is not there, or a pickled one cannot be loaded here.
    """

    settings: OwnSettings

    def __init__(self, use: str, settings: OwnSettings) -> None:
        super().__init__(settings)
        self.function: Callable[..., Any] = load_callable(use) if settings.pickled is None else settings.pickled.load()

    def objectives(self) -> None:
        """Not known before the first trial."""

    def identity(self) -> dict[str, str]:
        """The checksum of a pickled function; that of a module is known as its file."""
        return self.sources()

    def sources(self) -> dict[str, str]:
        """The checksum of a pickled function."""
        pickled = self.settings.pickled
        return {} if pickled is None else {FUNCTION + pickled.name: pickled.digest}
