"""Dividing the clips of a data set into training, validation and test."""

from __future__ import annotations

from hpstudy.data.clips import Labels
from hpstudy.data.sets import spoken_digits
from hpstudy.data.spoken_digits import Split
from hpstudy.errors import DataError, nearest


def check_split(dataset: str, by: str, fold: int) -> None:
    """Raises DataError unless the data set can be split that way (UsageError when there is no such data set of spoken digits)."""
    folds = spoken_digits(dataset).folds
    if by not in folds:
        raise DataError(f"{dataset} cannot be split by '{by}'", nearest(by, folds))
    if not 0 <= fold < folds[by]:
        raise DataError(f"{dataset} split by {by} has no fold {fold}", f"valid: 0 to {folds[by] - 1}")


def split(dataset: str, labels: Labels, *, by: str, fold: int, seed: int) -> Split:
    """Rows for training, validation and test.

    Args:
        dataset: a name in `hpstudy.data.DATASETS`, or "my_module:MyDigits".
        labels: of the clips; `Clips` and `FeatureSet` have them.
        by: "speaker" (no speaker stands in two parts) or "repetition" (every speaker stands in all parts).
        fold: which division, from 0.
        seed: drives divisions that are drawn: of the built-in ones, the validation part of fsdd by repetition.

    Raises:
        UsageError, DataError: see `check_split`.
    """
    check_split(dataset, by, fold)
    return spoken_digits(dataset).split(labels, by, fold, seed)
