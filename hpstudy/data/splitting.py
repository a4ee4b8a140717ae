"""Splits of the clips of a data set into training, validation and test parts."""

from __future__ import annotations

from hpstudy.data.clips import Labels
from hpstudy.data.sets import spoken_digits
from hpstudy.data.spoken_digits import Split
from hpstudy.errors import DataError, nearest


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
        UsageError, DataError: see `check_split`.
    """
    check_split(dataset, by, fold)
    return spoken_digits(dataset).split(labels, by, fold, seed)
