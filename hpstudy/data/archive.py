"""Safe unpacking of untrusted archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from hpstudy.data.cache import writing
from hpstudy.errors import DataError

CHUNK_BYTES = 1 << 20
HEADER_BYTES = 1 << 20
"""Maximum size of the headers of one tar entry. They are read into memory, and can be compressed to a thousandth of their size."""
DIRECTORY_BYTES = 256
"""Maximum average size of an entry in the directory of a zip archive. The directory is read into memory."""
GLOBAL_HEADERS = 100
"""Maximum number of pax headers that apply to every entry; each entry gets a copy of them. Git writes one."""
NAME_BYTES, PART_BYTES = 4095, 255
"""Maximum lengths of a path and of a file or folder name in common file systems."""
MAX_NAME_CHARACTERS = 80
"""Maximum length of an entry's name in a message."""
COMPRESSED: dict[bytes, Callable[[Path], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
"""Functions that open a compressed file, by its first bytes."""
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)
"""Exceptions of the standard library for archives that are truncated, damaged, encrypted, or in an unsupported format."""


@dataclass(frozen=True)
class Limits:
    """Maximum contents of an archive.

    Attributes:
        entries: maximum number of files, folders and other entries.
        total_bytes: maximum total size after unpacking, in bytes.
        ratio: maximum ratio of unpacked to packed size. Speech is compressed to about half of its size, zeros to a thousandth.
    """

    entries: int = 100_000
    total_bytes: int = 8 << 30
    ratio: float = 100.0


@dataclass(frozen=True)
class Entry:
    """One entry of an archive.

    Attributes:
        name: path in the archive.
        kind: "file", "folder", "padding" (at the end), or the name of another type, for instance "link".
        size: declared size in bytes.
        open: opens its content for reading.
    """

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, into: Path, *, suffix: str = "", limits: Limits | None = None) -> None:
    """Unpack a zip or tar archive (tar: plain, gz, bz2, xz) into an empty folder.

    All entries are checked before the first file is written. The written bytes are counted, because headers can declare wrong sizes.

    Args:
        archive: the file.
        into: an existing, empty folder. After an error its content must be discarded.
        suffix: write only files whose names have this suffix. All entries are checked and counted.
        limits: maximum contents; the default suits speech.

    Raises:
        DataError: the file is not an archive, or is truncated, damaged or encrypted; a path leaves the folder; it contains links,
            devices or duplicate names; it exceeds the limits; or a file cannot be written (NotWritable).
    """
    limits = limits or Limits()
    if not archive.is_file():
        raise DataError(
            f"{archive} is neither a folder nor a regular file", "give the folder or archive that holds the original files"
        )
    try:
        archive.open("rb").close()
    except OSError as error:
        raise DataError(f"{archive} cannot be read: {error.strerror}", "check its permissions") from error
    try:
        with _entries(archive, limits) as entries:
            checked, allowed = _check(archive, entries, limits)
            for entry, target in checked:
                if entry.kind == "file" and entry.name.endswith(suffix):
                    allowed -= _write(archive, entry, into / target, allowed)
    except DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{archive} cannot be unpacked: {reason}", "get it again: it is damaged or incomplete") from error


class _Bounded(io.BufferedReader):
    """A file with a limit on the bytes that are read from it, so that malicious headers cannot cause unbounded reads.

    Attributes:
        archive: path of the archive, for messages.
        budget: bytes that may still be requested. Requested bytes count, not returned ones: at the end of a file some readers
            would repeat their request forever.
    """

    def __init__(self, raw: io.RawIOBase | io.BufferedIOBase, archive: Path, budget: float) -> None:
        super().__init__(raw)
        self.archive = archive
        self.budget = budget

    def read(self, size: int | None = -1) -> bytes:
        """Read bytes. Raises DataError if the budget is used up."""
        whole = size is None or size < 0
        if whole and self.budget < math.inf:
            size = int(self.budget) + 1
        elif size is not None and size > self.budget:
            raise _refused(self.archive, "its headers are too large")
        content = super().read(size)
        self.budget -= len(content) if whole else size or 0
        if self.budget < 0:
            raise _refused(self.archive, "its headers are too large")
        return content


@contextmanager
def _entries(archive: Path, limits: Limits) -> Iterator[Iterable[Entry]]:
    if zipfile.is_zipfile(archive):
        with _Bounded(archive.open("rb"), archive, limits.entries * DIRECTORY_BYTES) as file, zipfile.ZipFile(file) as packed:
            file.budget = math.inf
            yield (_zip_entry(packed, info) for info in packed.infolist())
    elif archive.suffix != ".zip":
        with _Bounded(_uncompressed(archive), archive, HEADER_BYTES) as file, _opened_tar(archive, file) as packed_tar:
            yield _tar_entries(packed_tar, file)
    else:
        raise _no_archive(archive)


def _uncompressed(archive: Path) -> io.BufferedIOBase:
    with archive.open("rb") as file:
        head = file.read(max(map(len, COMPRESSED)))
    opened = (opener for magic, opener in COMPRESSED.items() if head.startswith(magic))
    return next(opened, lambda path: path.open("rb"))(archive)


def _opened_tar(archive: Path, file: IO[bytes]) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=file, mode="r:")
    except (tarfile.ReadError, EOFError):
        raise _no_archive(archive) from None


def _zip_entry(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    link = stat.S_ISLNK(info.external_attr >> 16)
    kind = "link" if link else "folder" if info.filename.endswith("/") else "file"
    return Entry(info.filename, kind, info.file_size, lambda: packed.open(info))


def _tar_entries(packed: tarfile.TarFile, file: _Bounded) -> Iterator[Entry]:
    for info in packed:
        if len(packed.pax_headers) > GLOBAL_HEADERS:
            raise _refused(file.archive, f"it has more than {GLOBAL_HEADERS} global headers")
        info.pax_headers = {}  # tarfile keeps every entry in memory
        yield _tar_entry(packed, info)
        file.budget = HEADER_BYTES
    file.budget = math.inf
    # The tar archive can end before its compressed stream, and the checksum of the stream is compared only at its end.
    file.seek(packed.offset)
    while chunk := file.read(CHUNK_BYTES):
        yield Entry("padding", "padding", len(chunk), lambda: None)


def _tar_entry(packed: tarfile.TarFile, info: tarfile.TarInfo) -> Entry:
    regular = "sparse file" if info.issparse() else "file"
    kind = regular if info.isfile() else "folder" if info.isdir() else "link" if info.issym() or info.islnk() else "device"
    return Entry(info.name, kind, info.size, lambda: packed.extractfile(info))


def _check(archive: Path, entries: Iterable[Entry], limits: Limits) -> tuple[list[tuple[Entry, Path]], int]:
    """Check all entries. Returns them with their relative target paths, and the number of bytes that may be written."""
    allowed = min(limits.total_bytes, int(limits.ratio * archive.stat().st_size))
    checked: list[tuple[Entry, Path]] = []
    seen: set[str] = set()
    total = 0
    for entry in entries:
        if entry.kind not in ("file", "folder", "padding"):
            raise _refused(archive, f"'{_shortened(entry.name)}' is a {entry.kind}")
        if entry.size < 0:
            raise _refused(archive, f"'{_shortened(entry.name)}' has the size {entry.size}")
        # The target path must be inside the output folder.
        target = _inside(archive, entry.name)
        if entry.kind == "file" and not target.name:
            raise _refused(archive, "a file has no name")
        total += entry.size
        if len(checked) >= limits.entries:
            raise _refused(archive, f"it has more than {limits.entries:,} entries")
        if total > allowed:
            raise _refused(archive, f"it would unpack to more than {allowed:,} bytes")
        if entry.kind == "file":
            # On file systems that ignore case, names that differ only in case are the same file.
            if (key := target.as_posix().casefold()) in seen:
                raise _refused(archive, f"'{_shortened(entry.name)}' occurs twice")
            seen.add(key)
        checked.append((entry, target))
    return checked, allowed


def _inside(archive: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise _refused(archive, f"the name '{_shortened(name)}' leads out of the folder")
    lengths = [len(os.fsencode(part)) for part in path.parts]
    if max(lengths, default=0) > PART_BYTES or sum(lengths) + len(lengths) > NAME_BYTES:
        raise _refused(archive, f"the name '{_shortened(name)}' is too long")
    return Path(*path.parts)


def _write(archive: Path, entry: Entry, path: Path, allowed: int) -> int:
    """Write one file and return its size. Raises DataError if it is larger than allowed."""
    source = entry.open()
    assert source is not None, "only files are written"
    written = 0
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    with source:
        while chunk := source.read(CHUNK_BYTES):
            written += len(chunk)
            if written > allowed:
                raise _refused(archive, f"'{_shortened(entry.name)}' is larger than it says")
            with writing(path), path.open("ab") as target:  # closing it writes too
                target.write(chunk)
    if written != entry.size:
        raise EOFError(f"'{_shortened(entry.name)}' ends after {written:,} of {entry.size:,} bytes")
    return written


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARACTERS else f"{name[:MAX_NAME_CHARACTERS]}..."


def _no_archive(archive: Path) -> DataError:
    return DataError(
        f"{archive} is not a zip or tar archive, or it is truncated", "get it again, or give the folder that you unpacked"
    )


def _refused(archive: Path, reason: str) -> DataError:
    return DataError(
        f"{archive} is refused: {reason}", "get the archive from its publisher, or give a folder that you unpacked and checked"
    )
