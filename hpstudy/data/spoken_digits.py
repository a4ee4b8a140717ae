"""The interface of every data set of spoken digits."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.clips import Labels, Recording, write_clips
from hpstudy.data.dataset import Contents, DataSet, Progress


@dataclass(frozen=True)
class Split:
    """Rows of the clips for training, validation (all that a search may see) and test, each ascending."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass
class Source:
    """The recordings of a data set, to be drawn once.

    Attributes:
        recordings: in the order in which they will stand.
        facts: go into the manifest; may be completed while recordings are drawn.
    """

    recordings: Iterable[Recording]
    facts: dict[str, Any] = field(default_factory=dict)


class SpokenDigits(DataSet):
    """One data set of spoken digits. `split` is called with the labels of the clips, in every worker."""

    kind = "spoken digits"
    made_with = ("hpstudy", "numpy", "scipy", "soundfile", "espeakng-loader")
    folds: ClassVar[Mapping[str, int]]
    """The ways to split, and how many folds each has."""

    @abstractmethod
    def read(self, source: Path | None, scratch: Path, progress: Progress) -> Source:
        """Check the originals and give their recordings.

        Args:
            source: folder or archive with the originals; None for a set that is made here.
            scratch: an empty folder for unpacking, deleted afterwards.
            progress: told of recordings as they are made.

        Raises:
            DataError: one error that says all that is missing or unreadable.
        """

    @abstractmethod
    def split(self, labels: Labels, by: str, fold: int, seed: int) -> Split:
        """Divide clips.

        Args:
            labels: of the clips.
            by: one of `folds`.
            fold: 0 to `folds[by]` - 1.
            seed: drives splits that are drawn; most are fixed and do not use it.
        """

    def write(self, folder: Path, source: Path | None, scratch: Path, progress: Progress) -> dict[str, Any]:
        """The clips that `read` gives, as `open_clips` opens them."""
        originals = self.read(source, scratch, progress)
        written = write_clips(folder, originals.recordings)
        return {**originals.facts, **written}

    def contents(self, facts: Mapping[str, Any]) -> Contents:
        """Clips and speakers; clips that lost their end because they were longer than the window; voices that did not speak."""
        notes = []
        if cut := facts["clips_cut"]:
            notes.append(f"{cut:,} longer than a second were cut")
        if left_out := facts.get("left_out", {}):
            notes.append(f"{len(left_out)} voices left out: {', '.join(left_out)}")
        return Contents(f"{facts['clips']:,} clips of {len(facts['speakers'])} speakers", tuple(notes))
