"""What all blocks of a study file have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
"""A study's or a view's name: it becomes part of file names and seeds."""


class Block(BaseModel):
    """A block of a study file: unknown keys are refused, and a block never changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class OpenBlock(BaseModel):
    """A block that names a part by its first key; the other keys are that part's own settings, checked when it is bound."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    @property
    def settings(self) -> dict[str, Any]:
        """The part's own settings, as written."""
        return dict(self.model_extra or {})
