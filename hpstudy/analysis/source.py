"""The interface of a study's data that the analysis reads."""

from __future__ import annotations

from typing import Any, Protocol

from hpstudy.study.schema import Study


class Source(Protocol):
    """The data of a study that the analysis reads; `hpstudy.store.Reader` implements it."""

    @property
    def study(self) -> Study:
        """The resolved study."""

    @property
    def identity(self) -> dict[str, str]:
        """What determines the numbers besides the study, by name."""

    def trials(self) -> Any:
        """DataFrame with one row per trial."""

    def curves(self) -> Any:
        """DataFrame with one row per trial, metric and epoch."""

    def confirmations(self) -> Any:
        """DataFrame with one row per training on a fresh seed."""

    def events(self) -> Any:
        """The events of the study, in order."""

    def environments(self) -> Any:
        """The environments of its sessions and steps, in order."""
