"""Rules that split clips by their labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.spoken_digits import Split


def rotate(part: NDArray[np.int64], fold: int, count: int) -> Split:
    """Return split `fold` of a rotating split into `count` parts.

    Fold k trains on parts k, ..., k + count - 3, validates on k + count - 2 and tests on k + count - 1, all modulo `count`. Over all
    folds, every clip is used once for testing and once for validation (Becker et al. 2018 for count = 5,
    https://arxiv.org/abs/1807.03418).

    Args:
        part: (n,) part of every clip, 0 to count - 1.
        fold: 0 to count - 1.
        count: number of parts, at least 3.

    >>> rotate(np.arange(5), 1, 5).train.tolist()
    [1, 2, 3]
    """
    relative = (part - fold) % count
    return Split(
        np.flatnonzero(relative < count - 2), np.flatnonzero(relative == count - 2), np.flatnonzero(relative == count - 1)
    )


def parts_of_speakers(speaker: NDArray[np.int64], speakers: Sequence[str], parts: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Return the part of every clip, (n,). `parts` lists the speakers of each part by name."""
    number = {name: index for index, names in enumerate(parts) for name in names}
    return np.array([number[name] for name in speakers], dtype=np.int64)[speaker]
