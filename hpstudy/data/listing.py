"""Images that stay where they are: an index of the files of one part, and reading them by it.

    PART_paths.txt      a path per line, UTF-8
    PART_bytes.npy      (n,) int64
    PART_crc32.npy      (n,) uint32
    PART_shape.npy      (n, 2) int32
    PART_labels.npy     (n,) int64

All are memory-mapped, so that 1.28 million rows open in a moment, and once for all processes of a machine.
"""

from __future__ import annotations

import builtins
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.dataset import Progress
from hpstudy.data.image_header import height_and_width
from hpstudy.data.reading import read_many
from hpstudy.errors import DataError

RESTORE = "restore the file, or import the data set again (hpstudy data import), which then holds other data"


class ImageFile(NamedTuple):
    """What is listed of one file: its size, the CRC-32 of its bytes, and its height and width in pixels."""

    bytes: int
    crc32: int
    height: int
    width: int


@dataclass(frozen=True)
class Listed:
    """One part of an image folder. Its arrays are memory-mapped and read-only.

    Attributes:
        root: the folder of the classes.
        paths: (n,) relative to `root`: "CLASS/FILE".
        bytes: (n,) int64, sizes of the files.
        crc32: (n,) uint32, of the files' bytes.
        shape: (n, 2) int32, height and width in pixels as they are stored, before any rotation that EXIF asks for.
        labels: (n,) int64, counting into the classes.
    """

    root: Path
    paths: Sequence[str]
    bytes: NDArray[np.int64]
    crc32: NDArray[np.uint32]
    shape: NDArray[np.int32]
    labels: NDArray[np.int64]

    def read(self, row: int) -> builtins.bytes:
        """The bytes of one file, as they were when it was listed. May be called in threads.

        Raises:
            DataError: the file is gone, cannot be read, or has changed.
        """
        path = self.root / self.paths[row]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}", RESTORE) from error
        if len(content) != self.bytes[row]:
            change = f"{len(content):,} bytes instead of {self.bytes[row]:,}"
        elif zlib.crc32(content) != self.crc32[row]:
            change = "its CRC-32 differs"
        else:
            return content
        raise DataError(f"{path} has changed since it was imported: {change}", RESTORE)

    def problems(self, progress: Progress) -> list[str]:
        """Read every file; a sentence for each that `read` refuses."""

        def problem(row: int) -> str:
            try:
                self.read(row)
            except DataError as error:
                return error.message
            return ""

        return [text for text in read_many(problem, len(self.paths), progress) if text]


def examine(path: Path) -> ImageFile:
    """Read one file. Call within `image_header.strict_headers`.

    Raises:
        ValueError: what is wrong with the file, in a few words.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from error
    return ImageFile(len(content), zlib.crc32(content), *height_and_width(content))


def write_listing(folder: Path, part: str, paths: Sequence[str], files: Sequence[ImageFile], labels: NDArray[np.int64]) -> None:
    """Write the index of a part.

    Args:
        folder: where to.
        part: begins the names of its files.
        paths: (n,) relative to the folder of the classes, without line breaks; at least one.
        files: (n,) what was found there.
        labels: (n,).
    """
    (folder / f"{part}_paths.txt").write_bytes("".join(f"{path}\n" for path in paths).encode())
    arrays: dict[str, NDArray[Any]] = {
        "bytes": np.array([file.bytes for file in files], dtype=np.int64),
        "crc32": np.array([file.crc32 for file in files], dtype=np.uint32),
        "shape": np.array([(file.height, file.width) for file in files], dtype=np.int32),
        "labels": np.asarray(labels, dtype=np.int64),
    }
    for name, values in arrays.items():
        np.save(folder / f"{part}_{name}.npy", values)


def open_listing(folder: Path, part: str, root: Path) -> Listed:
    """The index of a part, memory-mapped.

    Args:
        folder: where `write_listing` put it.
        part: begins the names of its files.
        root: where the folder of the classes is.
    """
    arrays = {name: np.load(folder / f"{part}_{name}.npy", mmap_mode="r") for name in ("bytes", "crc32", "shape", "labels")}
    return Listed(root=root, paths=_Lines(folder / f"{part}_paths.txt"), **arrays)


class _Lines(Sequence[str]):
    """The lines of a UTF-8 file: decoded when asked for, so that a million of them are no million objects in every process."""

    def __init__(self, path: Path) -> None:
        self._text = np.memmap(path, dtype=np.uint8, mode="r")
        self._ends = np.flatnonzero(self._text == ord("\n"))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        rows = range(len(self))[row]
        if isinstance(rows, range):
            return [self[each] for each in rows]
        start = self._ends[rows - 1] + 1 if rows else 0
        return self._text[start : self._ends[rows]].tobytes().decode()
