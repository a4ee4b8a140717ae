"""Opening of image folders, whose files are read on use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hpstudy.data import sets
from hpstudy.data.image_folder import PARTS, ImageFolder
from hpstudy.data.listing import Listed, open_listing

__all__ = ["Listed", "ListedImages", "open_listed"]


@dataclass(frozen=True)
class ListedImages:
    """An image folder on this machine.

    Attributes:
        train, test: the files in train/ and in val/.
        classes: names of the classes.
        checksum: SHA-256 digest over the lists of both parts; it does not depend on the path of the folder.
    """

    train: Listed
    test: Listed
    classes: tuple[str, ...]
    checksum: str


def open_listed(name: str) -> ListedImages:
    """Open an image folder. Opening checks that it exists; `Listed.read` checks each file that it reads, `verify` checks all files.

    Args:
        name: an image folder in `hpstudy.data.DATASETS`, or "my_module:MyImages".

    Raises:
        UsageError: there is no such image folder.
        DataError: it was not imported, its list is damaged, or the folder no longer exists; the hint has instructions.
    """
    folder, record = sets.opened(name, ImageFolder)
    parts = {part: open_listing(folder, part, Path(record.facts["root"]) / inner) for part, inner in PARTS.items()}
    return ListedImages(**parts, classes=tuple(record.facts["classes"]), checksum=record.checksum)
