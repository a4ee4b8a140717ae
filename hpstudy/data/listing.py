"""Index of the image files of one part of an image folder. The files stay in the user's folder.

    PART_paths.txt      one path per line, UTF-8
    PART_bytes.npy      (n,) int64
    PART_crc32.npy      (n,) uint32
    PART_shape.npy      (n, 2) int32
    PART_labels.npy     (n,) int64

All are memory-mapped, so that 1.28 million rows open fast and all processes of a machine share the memory.
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
from hpstudy.data.manifest import load_array, reading
from hpstudy.data.reading import read_many
from hpstudy.errors import DataError

RESTORE = "restore the file, or import the data set again (hpstudy data import), which changes its checksum"


class ImageFile(NamedTuple):
    """The index entry of one file: size in bytes, CRC-32 of its content, and height and width in pixels."""

    bytes: int
    crc32: int
    height: int
    width: int


@dataclass(frozen=True)
class Listed:
    """One part of an image folder. Its arrays are memory-mapped and read-only.

    Attributes:
        root: the folder that contains the class folders.
        paths: (n,) paths relative to `root`: "CLASS/FILE".
        bytes: (n,) int64, file sizes.
        crc32: (n,) uint32, CRC-32 of the file contents.
        shape: (n, 2) int32, stored height and width in pixels, before an EXIF rotation.
        labels: (n,) int64, indices of the classes.
    """

    root: Path
    paths: Sequence[str]
    bytes: NDArray[np.int64]
    crc32: NDArray[np.uint32]
    shape: NDArray[np.int32]
    labels: NDArray[np.int64]

    def read(self, row: int) -> builtins.bytes:
        """Return the content of one file and check that it has not changed. Thread-safe.

        Raises:
            DataError: the file does not exist, cannot be read, or has changed.
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
        """Read every file. Returns one message per file that `read` refuses."""

        def problem(row: int) -> str:
            try:
                self.read(row)
            except DataError as error:
                return error.message
            return ""

        return [text for text in read_many(problem, len(self.paths), progress) if text]


def examine(path: Path) -> ImageFile:
    """Read one file and return its index entry. Call within `image_header.strict_headers`.

    Raises:
        ValueError: the file is invalid; the message is the reason.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from error
    return ImageFile(len(content), zlib.crc32(content), *height_and_width(content))


def write_listing(folder: Path, part: str, paths: Sequence[str], files: Sequence[ImageFile], labels: NDArray[np.int64]) -> None:
    """Write the index of a part.

    Args:
        folder: output folder.
        part: prefix of the names of the index files.
        paths: (n,) paths relative to the folder of the classes, without line breaks; n >= 1.
        files: (n,) index entries.
        labels: (n,) indices of the classes.
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
    """Open the index of a part memory-mapped.

    Args:
        folder: the output folder of `write_listing`.
        part: prefix of the names of the index files.
        root: the folder that contains the class folders.
    """
    arrays = {name: load_array(folder / f"{part}_{name}.npy", "r") for name in ("bytes", "crc32", "shape", "labels")}
    return Listed(root=root, paths=_Lines(folder / f"{part}_paths.txt"), **arrays)


class _Lines(Sequence[str]):
    """The lines of a UTF-8 file, decoded on access, so that a million lines do not become a million objects in every process."""

    def __init__(self, path: Path) -> None:
        with reading(path):
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
