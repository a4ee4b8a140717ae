"""The interface of every data set, whatever it holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


class DataSet(ABC):
    """One data set.

    Made without arguments and cheaply whenever its name is used: a module with a data set imports no heavy library. The subclasses
    for a kind of data, `SpokenDigits` and `ImageSet`, say what its arrays are; a set of one's own is a subclass of one of them.
    """

    kind: ClassVar[str]
    """What the set holds, for messages: "spoken digits"."""
    name: ClassVar[str]
    """Also of its folder in the cache, so no two sets may share it."""
    version: ClassVar[int]
    """Raise it whenever `write` would give other arrays, so that no old ones are taken for new ones."""
    licence: ClassVar[str]
    url: ClassVar[str | None] = None
    """Of the archive that `fetch` gets; None for a set that is made here."""
    sha256: ClassVar[str | None] = None
    """Of that archive, where its publisher promises never to pack it again."""
    md5: ClassVar[str | None] = None
    """Of that archive, where its publisher gives only this: it shows damage, and says little against forgery."""
    made_with: ClassVar[tuple[str, ...]] = ("hpstudy", "numpy")
    """Installed packages that have a part in the arrays; the manifest has their versions."""

    @property
    def command(self) -> str:
        """The command that gets this set."""
        kind = type(self)
        name = self.name if kind.__module__.startswith("hpstudy.") else f"{kind.__module__}:{kind.__qualname__}"
        fetch = f"hpstudy data fetch {name}"
        return f"{fetch}, or: hpstudy data import {name} --from PATH" if self.url else fetch

    @abstractmethod
    def write(self, folder: Path, source: Path | None, scratch: Path, progress: Progress) -> dict[str, Any]:
        """Check the originals and write the set's arrays. Called once per machine, under a lock, in a process of any kind.

        Args:
            folder: an empty folder, for the arrays and nothing else.
            source: folder or archive with the originals; None for a set without a `url`.
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
