"""Splits of the clips of a data set into training, validation and test parts."""

from __future__ import annotations

import numpy as np

from hpstudy.data.clips import Labels
from hpstudy.data.sets import spoken_digits
from hpstudy.data.spoken_digits import Split
from hpstudy.errors import DataError, nearest

FIX = "correct `split` of the data set, and test it with its contract suite in hpstudy.testing.datasets"


def check_split(dataset: str, by: str, fold: int) -> None:
    """Check that a data set has a split.

    Raises:
        UsageError: there is no such data set of spoken digits.
        DataError: it cannot be split in this way, or has no such fold.
    """
    folds = spoken_digits(dataset).folds
    if by not in folds:
        raise DataError(f"{dataset} cannot be split by '{by}'", nearest(by, folds))
    if not 0 <= fold < folds[by]:
        raise DataError(f"{dataset} split by {by} has no fold {fold}", f"valid: 0 to {folds[by] - 1}")


def split(dataset: str, labels: Labels, *, by: str, fold: int, seed: int) -> Split:
    """Return the rows for training, validation and test.

    Args:
        dataset: a name in `hpstudy.data.DATASETS`, or "my_module:MyDigits".
        labels: labels of the clips, for instance a `Clips` or `FeatureSet`.
        by: "speaker" (every speaker is in one part only) or "repetition" (every speaker is in all parts).
        fold: index of the fold, from 0.
        seed: seed of random splits. The only built-in one is the validation part of fsdd by repetition.

    Raises:
        UsageError: see `check_split`.
        DataError: see `check_split`; or the data set returns no `Split`, or one with an empty part, with rows of no clip, or with a clip
            twice.
    """
    check_split(dataset, by, fold)
    parts = spoken_digits(dataset).split(labels, by, fold, seed)
    if not isinstance(parts, Split):  # of a user's data set
        raise DataError(f"the split of {dataset} is {type(parts).__name__}, not a Split", FIX)
    rows, count = np.concatenate([parts.train, parts.validation, parts.test]), len(labels.digit)
    if not all(map(len, (parts.train, parts.validation, parts.test))):
        complaint = "an empty part"
    elif rows.min() < 0 or rows.max() >= count:
        complaint = f"rows from {rows.min():,} to {rows.max():,}, but those of the clips are 0 to {count - 1:,}"
    elif len(np.unique(rows)) < len(rows):
        complaint = "a clip in two parts, or twice in one"
    else:
        return parts
    raise DataError(f"the split of {dataset} by {by}, fold {fold}, has {complaint}", FIX)
