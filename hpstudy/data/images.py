"""Opening of image sets, and splits of their training part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpstudy.data import sets
from hpstudy.data.image_set import ImageSet
from hpstudy.data.manifest import Manifest, load_array
from hpstudy.errors import DataError
from hpstudy.seeds import derive_seed

ARRAYS = ("train_x", "train_y", "test_x", "test_y")


@dataclass(frozen=True)
class Images:
    """An image set on this machine. The arrays are memory-mapped and read-only.

    Attributes:
        train_x, test_x: (n, 3, 32, 32) uint8: red, green, blue; rows from the top; columns from the left.
        train_y, test_y: (n,) int64, indices into `classes`.
        classes: names of the classes.
        checksum: SHA-256 digest over all four arrays.
    """

    train_x: NDArray[np.uint8]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.uint8]
    test_y: NDArray[np.int64]
    classes: tuple[str, ...]
    checksum: str


def load_images(name: str) -> Images:
    """Open an image set. An image set that can be generated is generated on first use. Raises as `hpstudy.data.sets.opened` does.

    Args:
        name: an image set in `hpstudy.data.DATASETS`, or "my_module:MyImages".
    """
    return open_images(*sets.opened(name, ImageSet))


def open_images(folder: Path, manifest: Manifest) -> Images:
    """Open the images in `folder` memory-mapped. `manifest` is the manifest of the folder."""
    arrays = {which: load_array(folder / f"{which}.npy", "r") for which in ARRAYS}
    return Images(**arrays, classes=tuple(manifest.facts["classes"]), checksum=manifest.checksum)


def split_rows(labels: NDArray[np.int64], validation: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split a training part into training and validation rows.

    The validation rows are class-balanced, as far as the numbers of rows allow. They are drawn from the stream "validation" of `seed`.
    With the same seed, a smaller validation part is a subset of a larger one.

    Args:
        labels: (n,) labels of the training part.
        validation: number of validation rows, 1 to n - 1.
        seed: seed of the draw.

    Returns:
        Rows for training, (n - validation,), and for validation, (validation,), both ascending.

    Raises:
        DataError: the training part has too few rows.
    """
    if not 1 <= validation < len(labels):
        raise DataError(
            f"{validation:,} validation images cannot be drawn from {len(labels):,} training images",
            f"valid: 1 to {len(labels) - 1:,}, so that at least one training image remains",
        )
    rows = np.arange(len(labels))
    chosen = _balanced(labels, rows, validation, derive_seed(seed, "validation"))
    return np.setdiff1d(rows, chosen, assume_unique=True), chosen


def subset_rows(labels: NDArray[np.int64], rows: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Draw a class-balanced subset of `rows`, as far as the numbers of rows allow.

    Args:
        labels: (n,) labels of all rows.
        rows: (m,) rows to draw from.
        count: number of rows to draw, 1 to m.
        seed: seed of the draw (its stream "subset"). With the same seed, a smaller subset is a subset of a larger one.

    Returns:
        (count,) rows, ascending.

    Raises:
        DataError: there are fewer than `count` rows.
    """
    if not 1 <= count <= len(rows):
        raise DataError(f"{count:,} images cannot be drawn from {len(rows):,}", f"valid: 1 to {len(rows):,}")
    return _balanced(labels, rows, count, derive_seed(seed, "subset"))


def _balanced(labels: NDArray[np.int64], rows: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Draw rows in rounds: each round takes one remaining row of every class, in random order. Returns them ascending."""
    shuffled = np.random.default_rng(seed).permutation(rows)
    drawn = np.asarray(labels)[shuffled]
    # round_of[i]: how many rows of the same class precede row i in the shuffled order.
    round_of = np.empty(len(drawn), dtype=np.int64)
    for label in np.unique(drawn):
        members = np.flatnonzero(drawn == label)
        round_of[members] = np.arange(len(members))
    return np.sort(shuffled[np.argsort(round_of, kind="stable")[:count]])
