"""CIFAR-10 and CIFAR-100: small photographs (Krizhevsky, "Learning multiple layers of features from tiny images", 2009).

https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hpstudy.data import manifest
from hpstudy.data.dataset import Progress
from hpstudy.data.image_set import IMAGE_SHAPE, ImageSet, LabelledImages
from hpstudy.data.originals import find_folder
from hpstudy.data.pickled import read_pickled
from hpstudy.errors import DataError

PIXELS = math.prod(IMAGE_SHAPE)
LICENCE = "none given; cite Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html"
HINT = "give the Python version of the archive, or the folder unpacked from it; nothing was imported"


class Cifar(ImageSet):
    """A data set of the CIFAR family, from the publisher's "python version": pickled batches in one folder.

    A batch is a dictionary with `data`, (n, 3072) uint8, channel by channel and row by row, and a list of labels. Re-encoded batches
    and batches with fewer rows are accepted. `official` in the manifest says whether all files have the publisher's MD5.
    """

    version = 1
    licence = LICENCE
    inner: ClassVar[str]
    """The folder of the batches."""
    train_files: ClassVar[tuple[str, ...]]
    test_file: ClassVar[str]
    meta_file: ClassVar[str]
    label_key: ClassVar[str]
    names_key: ClassVar[str]
    class_count: ClassVar[int]
    official: ClassVar[Mapping[str, str]]
    """MD5 of the publisher's files."""

    def read(self, source: Path | None, scratch: Path, progress: Progress) -> LabelledImages:
        """Read the training batches in order, the test batch, and the file with the class names."""
        assert source is not None, "a set with a url is read from its originals"
        folder = find_folder(source, scratch, self.inner, self.train_files[0], suffix="")
        complaints: list[str] = []
        classes = self._classes(folder, complaints)
        batches = {}
        for number, name in enumerate((*self.train_files, self.test_file), 1):
            try:
                batches[name] = self._batch(folder / name)
            except ValueError as error:
                complaints.append(f"{name} ({error})")
            progress(number, len(self.train_files) + 1, "batches")
        if complaints:
            raise DataError(f"{folder} is not a complete copy of {self.name}: {'; '.join(complaints)}", HINT)
        official = all(manifest.checksum_of(folder / name, "md5") == md5 for name, md5 in self.official.items())
        train = [batches[name] for name in self.train_files]
        return LabelledImages(
            np.concatenate([x for x, _ in train]),
            np.concatenate([y for _, y in train]),
            *batches[self.test_file],
            classes,
            {"official": official},
            () if official else ("its files differ from the publisher's: re-encoded, or only a part of them",),
        )

    def _classes(self, folder: Path, complaints: list[str]) -> tuple[str, ...]:
        """Return the class names. Problems are appended to `complaints`."""
        try:
            names = _value(read_present(folder / self.meta_file), self.names_key)
            if not isinstance(names, list) or len(names) != self.class_count:
                raise ValueError(f"{self.names_key} is not a list of {self.class_count} names")
            return tuple(_name(each) for each in names)
        except ValueError as error:
            complaints.append(f"{self.meta_file} ({error})")
            return ()

    def _batch(self, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return images, (n, 3, 32, 32), and labels, (n,), of one batch. Raises ValueError if the file is invalid."""
        batch = read_present(path)
        x = _value(batch, "data")
        if not isinstance(x, np.ndarray) or x.dtype != np.uint8 or x.ndim != 2 or x.shape[1] != PIXELS:
            raise ValueError(f"data is not an array of uint8 (n, {PIXELS})")
        if len(x) == 0:
            raise ValueError("empty")
        return x.reshape(-1, *IMAGE_SHAPE), self._labels(_value(batch, self.label_key), len(x))

    def _labels(self, labels: object, count: int) -> NDArray[np.int64]:
        if isinstance(labels, np.ndarray) and labels.ndim == 1:
            labels = labels.tolist()
        if not isinstance(labels, list) or not all(type(label) is int for label in labels):
            raise ValueError(f"{self.label_key} is not a list of integers")
        if len(labels) != count:
            raise ValueError(f"{len(labels):,} labels for {count:,} images")
        if wrong := [label for label in labels if not 0 <= label < self.class_count]:
            raise ValueError(f"label {wrong[0]} is not one of 0 to {self.class_count - 1}")
        return np.array(labels, dtype=np.int64)


class Cifar10(Cifar):
    """50,000 training and 10,000 test images of 10 classes, 6,000 of each."""

    name = "cifar10"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    md5 = "c58f30108f718f92721af3b95e74349a"
    inner = "cifar-10-batches-py"
    train_files = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")
    test_file = "test_batch"
    meta_file = "batches.meta"
    label_key = "labels"
    names_key = "label_names"
    class_count = 10
    official: ClassVar[Mapping[str, str]] = {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    }


class Cifar100(Cifar):
    """50,000 training and 10,000 test images of 100 classes (the "fine" labels), 600 of each."""

    name = "cifar100"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    inner = "cifar-100-python"
    train_files = ("train",)
    test_file = "test"
    meta_file = "meta"
    label_key = "fine_labels"
    names_key = "fine_label_names"
    class_count = 100
    official: ClassVar[Mapping[str, str]] = {
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    }


def read_present(path: Path) -> dict[str, Any]:
    """Return the pickled dictionary in a file. Raises ValueError if the file is missing or invalid."""
    if not path.is_file():
        raise ValueError("missing")
    return read_pickled(path)


def _value(content: Mapping[str, Any], key: str) -> Any:
    if key not in content:
        raise ValueError(f"has no {key}")
    return content[key]


def _name(name: str | bytes | Sequence[object]) -> str:
    if not isinstance(name, str | bytes):
        raise ValueError("the name of a class is not text")
    return name.decode("utf-8", errors="replace") if isinstance(name, bytes) else name
