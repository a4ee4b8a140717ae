"""The interface of checkpoints: the state of a training, saved while it runs, from which an interrupted trial continues."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

CHECKPOINT_S = 600.0
"""Seconds between two checkpoints. An interrupted trial loses at most about as much. Shorter: writing the state of a large network
takes a noticeable share of the time. Trials that are shorter write nothing."""


class Checkpoint(Protocol):
    """Keeps the state of one evaluation until its outcome is in the database; `Report.checkpoint`.

    Life cycle: a task calls `load` once, before its first epoch; then, after it has reported an epoch, `due`, and when that is
    true `save`. An evaluation that was interrupted is begun again with the same arguments, and finds the state that it saved last.

    The state must hold all that the rest of the training depends on, generators of random numbers included: the global ones are
    seeded at every start, not put back to where they were.
    """

    def load(self) -> bytes | None:
        """The state last saved by an interrupted evaluation of the same trial; None at a first start.

        Everything reported until that state was saved stands in the trial's curves again, in place of anything reported before this
        call.
        """

    def due(self) -> bool:
        """Whether it is time to save: CHECKPOINT_S have passed since the evaluation began or last saved."""

    def save(self, state: bytes) -> None:
        """Keep `state`, with all that was reported so far, in place of what was saved before.

        Whoever is killed meanwhile leaves what was saved before. A disk that cannot be written costs the checkpoint, not the trial.

        Raises:
            TypeError: `state` is not bytes.
        """

    def folder(self, sources: Mapping[str, str]) -> Path | None:
        """A folder for the files of a program that keeps its state itself; None where nothing is kept.

        It has what an interrupted evaluation of the same trial left in it, unless data, libraries or `sources` are others now.

        Args:
            sources: checksums of the program's files, by name.
        """
