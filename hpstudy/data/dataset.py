"""The interface of every data set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.clips import Recording

Progress = Callable[[int, int | None, str], None]
"""Called with how much is done, of how much (None when that is not known), and of what, for instance "clips"."""


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


class DataSet(ABC):
    """One data set of spoken digits.

    Made without arguments and cheaply whenever its name is used: a module with a data set imports no heavy library. `read` is
    called once per machine, under a lock, in a process of any kind; `split` with the labels of the clips, in every worker.
    """

    name: ClassVar[str]
    """Also of its folder in the cache, so no two sets may share it."""
    version: ClassVar[int]
    """Raise it whenever `read` would give other samples, so that no old clips are taken for new ones."""
    licence: ClassVar[str]
    url: ClassVar[str | None] = None
    """Of the archive that `fetch` gets; None for a set that is made here."""
    sha256: ClassVar[str | None] = None
    """Of that archive, where its publisher promises never to pack it again."""
    folds: ClassVar[Mapping[str, int]]
    """The ways to split, and how many folds each has."""

    @property
    def command(self) -> str:
        """The command that gets this set."""
        kind = type(self)
        name = self.name if kind.__module__.startswith("hpstudy.") else f"{kind.__module__}:{kind.__qualname__}"
        fetch = f"hpstudy data fetch {name}"
        return f"{fetch}, or: hpstudy data import {name} --from PATH" if self.url else fetch

    @abstractmethod
    def read(self, source: Path | None, scratch: Path, progress: Progress) -> Source:
        """Check the originals and give their recordings.

        Args:
            source: folder or archive with the originals; None for a set without a `url`.
            scratch: an empty folder for unpacking, deleted afterwards.
            progress: told of recordings as they are made.

        Raises:
            DataError: one error that says all that is missing or unreadable.
        """

    @abstractmethod
    def split(
        self,
        by: str,
        fold: int,
        seed: int,
        *,
        speaker: NDArray[np.int64],
        repetition: NDArray[np.int64],
        speakers: tuple[str, ...],
    ) -> Split:
        """Divide clips.

        Args:
            by: one of `folds`.
            fold: 0 to `folds[by]` - 1.
            seed: drives splits that are drawn; most are fixed and do not use it.
            speaker: (n,) of the clips.
            repetition: (n,) of the clips.
            speakers: names, indexed by `speaker`.
        """
