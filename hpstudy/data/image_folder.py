"""Interface of data sets of image files of any size, which stay in the user's folder."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hpstudy.data.dataset import Contents, DataSet, Progress
from hpstudy.data.image_header import SUFFIXES, strict_headers
from hpstudy.data.listing import ImageFile, examine, open_listing, write_listing
from hpstudy.data.originals import enumerated
from hpstudy.data.reading import read_many
from hpstudy.errors import DataError

PARTS = {"train": "train", "test": "val"}
"""Parts and the folders of their files. The publisher's validation images are the test part, which no search may use."""

Complaints = defaultdict[str, list[str]]
"""Problems -> affected files or folders."""


class ImageFolder(DataSet):
    """A data set in the layout of torchvision's `ImageFolder`: train/CLASS/FILE and val/CLASS/FILE, with the same classes in both.

    Labels are indices of the classes, sorted by name. Importing does not copy images: it reads each file once and lists its path,
    size, checksum, height and width. The checksum of the data set does not depend on the path of the folder, so that it stays the same
    if the folder is moved.

    Your own subclass needs only a `name`.
    """

    kind = "image folders"
    version = 1
    licence = "that of the images, which stay in the user's folder"
    originals = "arrange the images as train/CLASS/FILE and val/CLASS/FILE, with the same classes in both"
    made_with = ("hpstudy", "numpy", "pillow")
    class_count: ClassVar[int | None] = None
    """Required number of classes; None allows any number."""
    published: ClassVar[Mapping[str, int]] = {}
    """Published number of images of each part, if known. A folder with other numbers gets a note."""

    @property
    def repair(self) -> str:
        """Instructions for repair. Only the user can restore the files."""
        return f"restore the files, or import them again (the checksum changes unless the files are equal): {self.command}"

    def write(self, folder: Path, source: Path | None, scratch: Path, progress: Progress) -> dict[str, Any]:
        """List the images in `source` for `open_listed`. Hidden files are ignored.

        Raises:
            DataError: lists all problems of the layout, before any image is read, or all images that cannot be used.
        """
        assert source is not None, "the user provides the originals"
        root = source.absolute()
        layout = self._layout(root)
        classes = list(layout["train"])
        paths = {part: [f"{each}/{file}" for each in classes for file in layout[part][each]] for part in PARTS}
        files = self._examine(root, [f"{PARTS[part]}/{path}" for part in PARTS for path in paths[part]], progress)
        for part in PARTS:
            labels = np.repeat(np.arange(len(classes)), [len(layout[part][each]) for each in classes])
            write_listing(folder, part, paths[part], files[: len(labels)], labels)
            files = files[len(labels) :]
        counts = {part: len(paths[part]) for part in PARTS}
        return {"root": str(root), "images": counts, "classes": classes, "notes": self._notes(counts)}

    def contents(self, facts: Mapping[str, Any]) -> Contents:
        """Describe the number of images and classes, their folder, and differences from the published numbers."""
        counts = facts["images"]
        summary = f"{counts['train'] + counts['test']:,} images of {len(facts['classes'])} classes"
        return Contents(summary, (f"the images stay in {facts['root']}", *facts["notes"]))

    def problems(self, folder: Path, facts: Mapping[str, Any], progress: Progress, *, thorough: bool) -> list[str]:
        """Check that the folders of the images can be read; with `thorough`, also that no image has changed since it was imported."""
        root = Path(facts["root"])
        if not all(os.access(f"{root / inner}{os.sep}", os.R_OK | os.X_OK) for inner in PARTS.values()):
            return [f"its images are no longer in {root}, or may not be read"]
        if not thorough:
            return []
        return [
            problem for part, inner in PARTS.items() for problem in open_listing(folder, part, root / inner).problems(progress)
        ]

    def _layout(self, root: Path) -> dict[str, dict[str, list[str]]]:
        """Return part -> class -> file names, all sorted. Raises DataError with all problems."""
        hint = f"{self.originals}; nothing was imported"
        if not root.is_dir():
            raise DataError(f"{root} is not a folder", hint)
        if missing := [inner for inner in PARTS.values() if not (root / inner).is_dir()]:
            raise DataError(f"{root} has no folder {' and no folder '.join(missing)}", hint)
        wrong: Complaints = defaultdict(list)
        layout = {part: _classes(root / inner, wrong) for part, inner in PARTS.items()}
        wrong["classes of train are missing in val"] += [each for each in layout["train"] if each not in layout["test"]]
        wrong["classes of val are missing in train"] += [each for each in layout["test"] if each not in layout["train"]]
        complaints = [f"{len(names):,} {what}: {enumerated(names)}" for what, names in wrong.items() if names]
        count = len(layout["train"])
        if count != (self.class_count or count):
            complaints.insert(0, f"{count:,} classes instead of {self.class_count:,}")
        if count == 0:
            complaints.insert(0, "no classes")
        if complaints:
            raise DataError(f"{root} cannot be imported as {self.name}: {'; '.join(complaints)}", hint)
        return layout

    def _examine(self, root: Path, names: list[str], progress: Progress) -> list[ImageFile]:
        """Read every image. Raises DataError with all images that cannot be used."""

        def examined(row: int) -> ImageFile | str:
            try:
                return examine(root / names[row])
            except ValueError as error:
                return f"{names[row]} ({error})"

        files, complaints = [], []
        with strict_headers():
            for each in read_many(examined, len(names), progress):
                if isinstance(each, str):
                    complaints.append(each)
                else:
                    files.append(each)
        if complaints:
            raise DataError(
                f"{len(complaints):,} of {len(names):,} images in {root} cannot be used: {enumerated(complaints)}",
                "get them again; nothing was imported",
            )
        return files

    def _notes(self, counts: Mapping[str, int]) -> list[str]:
        """Return a note if the numbers of images differ from the published ones."""
        if not self.published or counts == self.published:
            return []
        less = all(counts[part] <= self.published[part] for part in PARTS)
        shares = (f"{counts[part]:,} of {self.published[part]:,} in {inner}" for part, inner in PARTS.items())
        return [f"{'a part of it' if less else 'more than published'}: {', '.join(shares)}"]


def _classes(folder: Path, wrong: Complaints) -> dict[str, list[str]]:
    """Return class -> names of its image files, both sorted. Problems are appended to `wrong`."""
    classes = {}
    for entry in _entries(folder, wrong):
        if entry.is_dir():
            classes[entry.name] = _images(Path(entry.path), wrong)
        elif entry.name.lower().endswith(SUFFIXES):
            wrong["images must be sorted into class folders"].append(f"{folder.name}/{entry.name}")
        else:
            wrong["entries are not image files"].append(f"{folder.name}/{entry.name}")
    return classes


def _images(folder: Path, wrong: Complaints) -> list[str]:
    """Return the sorted names of the image files of a class. Problems are appended to `wrong`."""
    within = f"{folder.parent.name}/{folder.name}"
    images = []
    for entry in _entries(folder, wrong):
        if entry.is_file() and entry.name.lower().endswith(SUFFIXES):
            images.append(entry.name)
        else:
            wrong["entries are not image files"].append(f"{within}/{entry.name}")
    if not images:
        wrong["class folders contain no images"].append(within)
    return images


def _entries(folder: Path, wrong: Complaints) -> list[os.DirEntry[str]]:
    """Return the sorted entries of a folder without hidden files. Problems are appended to `wrong`."""
    entries = []
    try:
        with os.scandir(folder) as scan:
            for entry in sorted(scan, key=lambda each: each.name):
                if not _is_text(entry.name):
                    wrong["names are not UTF-8 or have a line break"].append(f"{folder.name}/{entry.name!r}")
                elif not entry.name.startswith("."):
                    entries.append(entry)
    except OSError as error:
        wrong["folders cannot be read"].append(f"{folder} ({error.strerror})")
    return entries


def _is_text(name: str) -> bool:
    """Return whether a name is valid UTF-8 without line breaks."""
    try:
        return b"\n" not in name.encode()
    except UnicodeEncodeError:
        return False
