"""Base classes of the blocks of a study file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
"""Pattern of the name of a study or view, which is used in file names and seeds."""


class Block(BaseModel):
    """A block of a study file. Unknown keys are rejected, and a block is immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class OpenBlock(BaseModel):
    """A block whose first key names a part. The other keys are settings of that part, checked when the study is bound."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the part, as written."""
        return dict(self.model_extra or {})
