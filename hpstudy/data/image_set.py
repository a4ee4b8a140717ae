"""Interface of data sets of small images in arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.dataset import Contents, DataSet, Progress
from hpstudy.errors import DataError

IMAGE_SHAPE = (3, 32, 32)
"""Shape of every image: channels (red, green, blue) x rows (from the top) x columns (from the left)."""


@dataclass
class LabelledImages:
    """Images with their labels, in the publisher's training and test parts.

    Attributes:
        train_x, test_x: (n, 3, 32, 32) uint8.
        train_y, test_y: (n,) integers, indices into `classes`.
        classes: names of the classes.
        facts: facts for the manifest.
        notes: further information for users; a short phrase each.
    """

    train_x: NDArray[np.uint8]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.uint8]
    test_y: NDArray[np.int64]
    classes: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class ImageSet(DataSet):
    """A data set of 32 x 32 color images with a training and a test part. Validation images are drawn from the training part."""

    kind = "images"

    @abstractmethod
    def read(self, source: Path | None, scratch: Path, progress: Progress) -> LabelledImages:
        """Check the original files and return their images.

        Args:
            source: folder or archive with the original files; None for a data set that is generated.
            scratch: an empty folder for unpacking; it is deleted afterwards.
            progress: called as images are read.

        Raises:
            DataError: one error that lists all missing or unreadable files.
        """

    def write(self, folder: Path, source: Path | None, scratch: Path, progress: Progress) -> dict[str, Any]:
        """Write the images of `read` for `load_images`: train_x.npy, train_y.npy, test_x.npy, test_y.npy.

        Raises:
            DataError: see `read`; or `read` returned invalid shapes, types or labels, or an empty part.
        """
        images = self.read(source, scratch, progress)
        parts = {"train": (images.train_x, images.train_y), "test": (images.test_x, images.test_y)}
        complaints = [complaint for part, (x, y) in parts.items() for complaint in _complaints(part, x, y, len(images.classes))]
        if complaints:
            raise DataError(f"{self.name}: {'; '.join(complaints)}", f"correct `read` of {type(self).__qualname__}")
        for part, (x, y) in parts.items():
            np.save(folder / f"{part}_x.npy", np.ascontiguousarray(x))
            np.save(folder / f"{part}_y.npy", np.ascontiguousarray(y, dtype=np.int64))
        counts = {"train": len(images.train_y), "test": len(images.test_y)}
        return {**images.facts, "images": counts, "classes": list(images.classes), "notes": list(images.notes)}

    def contents(self, facts: Mapping[str, Any]) -> Contents:
        """Describe the number of images and classes, with the notes of `read`."""
        counts = facts["images"]
        summary = f"{counts['train'] + counts['test']:,} images of {len(facts['classes'])} classes"
        return Contents(summary, tuple(facts["notes"]))


def _complaints(part: str, x: NDArray[np.uint8], y: NDArray[np.int64], classes: int) -> list[str]:
    """Return the problems of one part."""
    if x.dtype != np.uint8 or x.shape[1:] != IMAGE_SHAPE or len(x) == 0:
        return [f"{part}_x is {x.dtype} {x.shape} instead of uint8 (n, {', '.join(map(str, IMAGE_SHAPE))})"]
    if y.dtype.kind not in "iu" or y.shape != (len(x),):
        return [f"{part}_y is {y.dtype} {y.shape} instead of integers ({len(x)},)"]
    if y.min() < 0 or y.max() >= classes:
        return [f"{part}_y has labels from {y.min()} to {y.max()}, but there are {classes} classes"]
    return []
