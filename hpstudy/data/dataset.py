"""The interface of all data sets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

Progress = Callable[[int, int | None, str], None]
"""Called with how much is done, of how much (None when that is not known), and of what, for instance "clips"."""


@dataclass(frozen=True)
class Contents:
    """What a set on this machine holds.

    Attributes:
        summary: how many of what, for instance "3,000 clips of 6 speakers".
        notes: what a user of the set should know besides, for instance what was left out; half a sentence each.
    """

    summary: str
    notes: tuple[str, ...] = ()


class Origin(Enum):
    """How a set gets onto this machine."""

    MADE = "made here, on first use"
    FETCHED = "fetched from a public address, or imported"
    BROUGHT = "imported only: its publisher gives it to persons, or it is the user's own"


class DataSet(ABC):
    """One data set.

    Made without arguments and cheaply whenever its name is used: a module with a data set imports no heavy library. The subclasses
    for a kind of data, `SpokenDigits`, `ImageSet` and `ImageFolder`, say what its arrays are; your own set is a subclass of one of
    them.
    """

    kind: ClassVar[str]
    """What the set holds, for messages: "spoken digits"."""
    name: ClassVar[str]
    """Also of its folder in the cache, so no two sets may share it."""
    version: ClassVar[int]
    """Raise it whenever `write` would give other arrays, so that no old ones are taken for new ones."""
    licence: ClassVar[str]
    url: ClassVar[str | None] = None
    """Of the archive that `fetch` gets; None for a set that is made here or that the user brings."""
    originals: ClassVar[str | None] = None
    """For a set that the user brings: where to get its originals and how they must lie, as an instruction ("get ..., unpack ...")."""
    sha256: ClassVar[str | None] = None
    """Of that archive, where its publisher promises never to pack it again."""
    md5: ClassVar[str | None] = None
    """Of that archive, where its publisher gives only this: it shows damage, and says little against forgery."""
    made_with: ClassVar[tuple[str, ...]] = ("hpstudy", "numpy")
    """Installed packages that have a part in the arrays; the manifest has their versions."""

    @property
    def origin(self) -> Origin:
        """How this set gets onto this machine."""
        return Origin.FETCHED if self.url else Origin.BROUGHT if self.originals else Origin.MADE

    @property
    def command(self) -> str:
        """The command that gets this set."""
        kind = type(self)
        name = self.name if kind.__module__.startswith("hpstudy.") else f"{kind.__module__}:{kind.__qualname__}"
        fetch, bring = f"hpstudy data fetch {name}", f"hpstudy data import {name} --from PATH"
        return {Origin.MADE: fetch, Origin.FETCHED: f"{fetch}, or: {bring}", Origin.BROUGHT: bring}[self.origin]

    @property
    def instructions(self) -> str:
        """What a user without this set does to have it."""
        return f"{self.originals}; then: {self.command}" if self.origin is Origin.BROUGHT else self.command

    @property
    def repair(self) -> str:
        """What a user does whose set is damaged."""
        return self.command

    @abstractmethod
    def write(self, folder: Path, source: Path | None, scratch: Path, progress: Progress) -> dict[str, Any]:
        """Check the originals and write the set's arrays. Called once per machine, under a lock, in a process of any kind.

        Args:
            folder: an empty folder, for the arrays and nothing else.
            source: folder or archive with the originals; None for a set that is made here.
            scratch: an empty folder for unpacking, deleted afterwards.
            progress: told of what is made as it is made.

        Returns:
            What the manifest says of the arrays, as JSON values.

        Raises:
            DataError: one error that says all that is missing or unreadable; the folder's content is then of no use.
        """

    @abstractmethod
    def contents(self, facts: Mapping[str, Any]) -> Contents:
        """What the set holds, from the facts of its manifest alone (no array is opened)."""

    def problems(self, folder: Path, facts: Mapping[str, Any], progress: Progress, *, thorough: bool) -> list[str]:
        """What is wrong with files that the set needs outside its folder in the cache; most sets need none.

        Args:
            folder: what `write` wrote, sound.
            facts: of the manifest.
            progress: told of what is read.
            thorough: compare every file with its checksum, for `verify`. Otherwise a look that takes no time: it is done on every opening.

        Returns:
            One sentence each.
        """
        return []
