"""What the analysis reads of a study."""

from __future__ import annotations

from typing import Any, Protocol

from hpstudy.study.schema import Study


class Source(Protocol):
    """What the analysis reads of a study; `hpstudy.store.Reader` has it."""

    @property
    def study(self) -> Study:
        """The resolved study."""

    @property
    def identity(self) -> dict[str, str]:
        """What determines numbers beside the study, by name."""

    def trials(self) -> Any:
        """DataFrame, a row per trial."""

    def curves(self) -> Any:
        """DataFrame, a row per trial, metric and epoch."""

    def confirmations(self) -> Any:
        """DataFrame, a row per training on a fresh seed."""

    def events(self) -> Any:
        """What happened to the study, in order."""

    def environments(self) -> Any:
        """Where its sessions and steps ran, in order."""
