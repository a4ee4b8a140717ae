"""Interface of checkpoints: saved states of a training, from which an interrupted trial resumes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

CHECKPOINT_S = 600.0
"""Seconds between two checkpoints, and about the maximum time that an interrupted trial loses. Shorter: saving the state of a large network
takes a considerable share of the time. Trials shorter than this save no checkpoint."""


class Checkpoint(Protocol):
    """Stores the state of one evaluation until its outcome is in the database; `Report.checkpoint`.

    A task calls `load` once before its first epoch. After reporting an epoch it calls `due`, and if that is true, `save`. An interrupted
    evaluation is started again with the same arguments, and `load` returns the state that was saved last.

    The state must contain everything that the remaining training depends on, including random generators. The global generators are
    seeded at every start; their states are not restored.
    """

    def load(self) -> bytes | None:
        """Return the state last saved by an interrupted evaluation of the same trial; None at the first start.

        Everything that was reported before that state was saved is restored in the curves of the trial, and replaces everything that was
        reported before this call.
        """

    def due(self) -> bool:
        """Return whether CHECKPOINT_S seconds have passed since the evaluation started or last saved."""

    def save(self, state: bytes) -> None:
        """Save `state` and everything reported so far, replacing the previous checkpoint.

        If the process is killed meanwhile, the previous checkpoint remains. If the disk cannot be written, only the checkpoint is lost,
        not the trial.

        Raises:
            TypeError: `state` is not bytes.
        """

    def folder(self, sources: Mapping[str, str]) -> Path | None:
        """Return a folder for the files of a program that saves its state itself; None without checkpoints.

        It contains the files of an interrupted evaluation of the same trial, unless data, libraries or `sources` have changed.

        Args:
            sources: checksums of the program's files, by name.
        """
