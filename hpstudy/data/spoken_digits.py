"""Interface of data sets of spoken digits."""

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
    """Rows of the clips for training, validation and test, each ascending. A search uses only the training and validation rows."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass
class Source:
    """The recordings of a data set, to be iterated once.

    Attributes:
        recordings: in the order of the clips.
        facts: facts for the manifest; they may be completed during the iteration.
    """

    recordings: Iterable[Recording]
    facts: dict[str, Any] = field(default_factory=dict)


class SpokenDigits(DataSet):
    """A data set of spoken digits. `split` is called with the labels of the clips, in every worker."""

    kind = "spoken digits"
    made_with = ("hpstudy", "numpy", "scipy", "soundfile", "espeakng-loader")
    folds: ClassVar[Mapping[str, int]]
    """Number of folds of each split, by name."""

    @abstractmethod
    def read(self, source: Path | None, scratch: Path, progress: Progress) -> Source:
        """Check the original files and return their recordings.

        Args:
            source: folder or archive with the original files; None for a data set that is generated.
            scratch: an empty folder for unpacking; it is deleted afterwards.
            progress: called as recordings are read or generated.

        Raises:
            DataError: one error that lists all missing or unreadable files.
        """

    @abstractmethod
    def split(self, labels: Labels, by: str, fold: int, seed: int) -> Split:
        """Split the clips into training, validation and test rows.

        Args:
            labels: labels of the clips.
            by: one of `folds`.
            fold: 0 to `folds[by]` - 1.
            seed: seed of random splits; fixed splits ignore it.
        """

    def write(self, folder: Path, source: Path | None, scratch: Path, progress: Progress) -> dict[str, Any]:
        """Write the recordings of `read` as clips for `open_clips`."""
        originals = self.read(source, scratch, progress)
        written = write_clips(folder, originals.recordings)
        return {**originals.facts, **written}

    def contents(self, facts: Mapping[str, Any]) -> Contents:
        """Describe the number of clips and speakers, with notes on shortened clips and excluded voices."""
        notes = []
        if cut := facts["clips_cut"]:
            notes.append(f"{cut:,} longer than a second were cut")
        if left_out := facts.get("left_out", {}):
            notes.append(f"{len(left_out)} voices excluded: {', '.join(left_out)}")
        return Contents(f"{facts['clips']:,} clips of {len(facts['speakers'])} speakers", tuple(notes))
