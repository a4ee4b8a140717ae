"""Rules that divide clips, as functions of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.spoken_digits import Split


def rotate(part: NDArray[np.int64], fold: int, count: int) -> Split:
    """Split `fold` of `count` parts: all but two train, the last but one validates, the last tests; rotated by `fold`.

    Split k trains on parts k, ..., k + count - 3, validates on k + count - 2 and tests on k + count - 1, all modulo `count`: over all
    folds every clip is tested once and validates once (Becker et al. for count = 5).

    Args:
        part: (n,) the part of every clip, 0 to count - 1.
        fold: 0 to count - 1.
        count: of parts, at least 3.

    >>> rotate(np.arange(5), 1, 5).train.tolist()
    [1, 2, 3]
    """
    relative = (part - fold) % count
    return Split(
        np.flatnonzero(relative < count - 2), np.flatnonzero(relative == count - 2), np.flatnonzero(relative == count - 1)
    )


def parts_of_speakers(speaker: NDArray[np.int64], speakers: Sequence[str], parts: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """The part of every clip, (n,), where `parts` lists each part's speakers by name."""
    number = {name: index for index, names in enumerate(parts) for name in names}
    return np.array([number[name] for name in speakers], dtype=np.int64)[speaker]
