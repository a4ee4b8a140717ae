"""The manifest of a folder of arrays: facts about its content, and the checksum of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hpstudy.errors import DataError

FILE_NAME = "manifest.json"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """The content of manifest.json.

    Attributes:
        facts: facts about the content: name, version, speakers, what was excluded.
        files: size in bytes and SHA-256 digest of every other file in the folder, by name.
    """

    facts: dict[str, Any]
    files: dict[str, tuple[int, str]]

    @property
    def checksum(self) -> str:
        """SHA-256 digest over the names and digests of all files. It depends only on the content."""
        return hashlib.sha256(json.dumps(sorted((name, sha) for name, (_, sha) in self.files.items())).encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """Total size of all files."""
        return sum(size for size, _ in self.files.values())


def seal(folder: Path, facts: dict[str, Any]) -> None:
    """Write the manifest of the files in `folder`."""
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": checksum_of(path)}
        for path in sorted(folder.iterdir())
        if path.is_file()
    }
    (folder / FILE_NAME).write_text(json.dumps({**facts, "files": files}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest | None:
    """Read the manifest of `folder`. Returns None if it does not exist. Raises DataError if it is invalid."""
    path = folder / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = {str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in content.pop("files").items()}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "check the permissions") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is not a manifest: {error}", f"delete {folder} and get the data again") from error
    return Manifest(facts=content, files=files)


def opened(folder: Path) -> Manifest | None:
    """Read the manifest of a data set and check the file sizes, but not the checksums. Returns None if there is no folder.

    Raises:
        DataError: files are missing or have the wrong size; the hint has the command that gets the data set.
    """
    record = read(folder)
    if record is not None and (damage := problems(folder, record, thorough=False)):
        raise DataError(f"the data set in {folder} is damaged: {damage[0]}", f"get it again: {record.facts.get('command')}")
    return record


def load_array(path: Path, mmap_mode: Literal["r"] | None = None) -> NDArray[Any]:
    """Open an .npy file. Raises DataError if it cannot be read or is damaged: `opened` compares sizes only."""
    with reading(path):
        array: NDArray[Any] = np.load(path, mmap_mode=mmap_mode)
    return array


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise DataError if a file or folder of the cache cannot be read within the block, or is damaged."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", "check the permissions") from error
    except (ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read: it is damaged", "delete its folder and get the data again") from error


def problems(folder: Path, manifest: Manifest, *, thorough: bool) -> list[str]:
    """Return the problems of the files in `folder`: wrong sizes (fast), and with `thorough` also wrong checksums."""
    sentences = []
    for name, (size, sha) in manifest.files.items():
        path = folder / name
        if not path.is_file():
            sentences.append(f"{path} is missing")
        elif path.stat().st_size != size:
            sentences.append(f"{path} has {path.stat().st_size} bytes instead of {size}")
        elif thorough and (complaint := _complaint(path, sha)):
            sentences.append(f"{path} {complaint}")
    return sentences


def _complaint(path: Path, sha: str) -> str:
    """Return the problem of a file of the right size; "" if there is none."""
    try:
        return "" if checksum_of(path) == sha else "was altered: its checksum differs"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def checksum_of(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file in hexadecimal. MD5 is used only for files whose publisher gives no other digest."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
