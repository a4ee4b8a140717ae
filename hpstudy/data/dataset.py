"""Interface of all data sets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

Progress = Callable[[int, int | None, str], None]
"""Progress callback: number of items done, total number (None if unknown), and the kind of items, for instance "clips"."""


@dataclass(frozen=True)
class Contents:
    """Contents of a data set on this machine.

    Attributes:
        summary: number and kind of items, for instance "3,000 clips of 6 speakers".
        notes: further information for users, for instance what was excluded; a short phrase each.
    """

    summary: str
    notes: tuple[str, ...] = ()


class Origin(Enum):
    """How a data set gets onto this machine."""

    GENERATED = "generated on this machine, on first use"
    FETCHED = "downloaded from a public URL, or imported"
    PROVIDED = "only imported: its publisher requires registration, or it is the user's own"


class DataSet(ABC):
    """One data set.

    An instance is created without arguments whenever the name of the data set is used. Creation must be cheap: do not import heavy
    libraries at module level. Subclass `SpokenDigits`, `ImageSet` or `ImageFolder` for your own data set; they define its arrays.
    """

    kind: ClassVar[str]
    """Kind of data, for messages: "spoken digits"."""
    name: ClassVar[str]
    """Unique name; also the name of its folder in the cache."""
    version: ClassVar[int]
    """Increase this if `write` produces different arrays, so that old arrays in the cache are not used."""
    licence: ClassVar[str]
    url: ClassVar[str | None] = None
    """URL of the archive that `fetch` downloads; None for a data set that is generated or that the user provides."""
    originals: ClassVar[str | None] = None
    """For a data set that the user provides: instructions for getting and arranging its original files ("get ..., unpack ...")."""
    sha256: ClassVar[str | None] = None
    """SHA-256 digest of the archive, if its publisher guarantees that the archive does not change."""
    md5: ClassVar[str | None] = None
    """MD5 digest of the archive, if its publisher gives no other. It detects damage but offers little protection against forgery."""
    made_with: ClassVar[tuple[str, ...]] = ("hpstudy", "numpy")
    """Installed packages that affect the arrays; the manifest records their versions."""

    @property
    def origin(self) -> Origin:
        """How this data set gets onto this machine."""
        return Origin.FETCHED if self.url else Origin.PROVIDED if self.originals else Origin.GENERATED

    @property
    def command(self) -> str:
        """The command that gets this data set."""
        kind = type(self)
        name = self.name if kind.__module__.startswith("hpstudy.") else f"{kind.__module__}:{kind.__qualname__}"
        fetch, provide = f"hpstudy data fetch {name}", f"hpstudy data import {name} --from PATH"
        return {Origin.GENERATED: fetch, Origin.FETCHED: f"{fetch}, or: {provide}", Origin.PROVIDED: provide}[self.origin]

    @property
    def instructions(self) -> str:
        """Instructions for a user who does not have this data set."""
        return f"{self.originals}; then: {self.command}" if self.origin is Origin.PROVIDED else self.command

    @property
    def repair(self) -> str:
        """Instructions for repairing a damaged data set."""
        return self.command

    @abstractmethod
    def write(self, folder: Path, source: Path | None, scratch: Path, progress: Progress) -> dict[str, Any]:
        """Check the original files and write the arrays. Called once per machine, with a lock held, in any process.

        Args:
            folder: an empty folder for the arrays only.
            source: folder or archive with the original files; None for a data set that is generated.
            scratch: an empty folder for unpacking; it is deleted afterwards.
            progress: called as items are written.

        Returns:
            Facts for the manifest, as JSON values.

        Raises:
            DataError: one error that lists all missing or unreadable files. The content of the folder is then discarded.
        """

    @abstractmethod
    def contents(self, facts: Mapping[str, Any]) -> Contents:
        """Describe the contents from the facts in the manifest, without opening an array."""

    def problems(self, folder: Path, facts: Mapping[str, Any], progress: Progress, *, thorough: bool) -> list[str]:
        """Check files that the data set needs outside its folder in the cache. Most data sets need none.

        Args:
            folder: the folder that `write` wrote; it has been checked.
            facts: facts in the manifest.
            progress: called as files are read.
            thorough: compare every file with its checksum, for `verify`. Otherwise the check must be fast: it runs at every opening.

        Returns:
            One message per problem.
        """
        return []
