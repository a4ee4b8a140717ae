"""Base classes of the blocks of a study file."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import PydanticKnownError

from hpstudy.described import DescribedModel

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
"""Pattern of the name of a study or view, which is used in file names and seeds."""


def _whole(value: Any) -> Any:
    if type(value) is not int:
        raise PydanticKnownError("int_type")
    return value


WHOLE = BeforeValidator(_whole)
"""For a literal of whole numbers, which accepts anything equal to one of them: true and 1.0 equal 1."""


class Block(DescribedModel):
    """A block of a study file."""

    added: ClassVar[frozenset[str]] = frozenset()
    """Keys that are not serialized at their default. Earlier versions did not have them, and digests of stored studies stay the same."""

    @model_serializer(mode="wrap")
    def _without_added(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        absent = {key for key in self.added if getattr(self, key) == fields[key].get_default()}
        return {key: value for key, value in dump(self).items() if key not in absent}


class NoSettings(Block):
    """The settings of a part that has none."""


class OpenBlock(Block):
    """A block whose first key names a part. The other keys are settings of that part, checked when the study is bound."""

    model_config = ConfigDict(extra="allow")

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the part, as written."""
        return dict(self.model_extra or {})
