"""Unpacking archives that came from elsewhere, without trusting them."""

from __future__ import annotations

import lzma
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
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What the standard library raises for archives that are truncated, damaged, encrypted, or packed in a way that it does not know."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold.

    Attributes:
        entries: at most so many files, folders and others.
        total_bytes: unpacked, all together.
        ratio: unpacked over packed size of the archive. Speech packs to a half of its size, zeros to a thousandth.
    """

    entries: int = 100_000
    total_bytes: int = 8 << 30
    ratio: float = 100.0


@dataclass(frozen=True)
class Entry:
    """One entry of an archive: `kind` is "file", "folder", "padding" (at the end) or what else it is; `size` in bytes, as declared."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, into: Path, *, suffix: str = "", limits: Limits | None = None) -> None:
    """Unpack a zip or tar archive (tar: plain, gz, bz2, xz) into an empty folder.

    Every entry is checked before the first is written; bytes are counted as they come, for headers can lie.

    Args:
        archive: the file.
        into: an existing, empty folder; after an error its content is of no use.
        suffix: write only the files whose names end so. All entries are checked and counted nevertheless.
        limits: the default suits speech.

    Raises:
        DataError: it is no archive, or is truncated, damaged or encrypted; a name leaves the folder; there are links, devices or
            names that occur twice; or it holds too much.
    """
    limits = limits or Limits()
    try:
        with _entries(archive) as entries:
            checked, allowed = _check(archive, entries, limits)
            for entry, target in checked:
                if entry.kind == "file" and entry.name.endswith(suffix):
                    allowed -= _write(archive, entry, into / target, allowed)
    except DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{archive} cannot be unpacked: {reason}", "get it again: it is damaged or not whole") from error


@contextmanager
def _entries(archive: Path) -> Iterator[Iterable[Entry]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            yield (_zip_entry(packed, info) for info in packed.infolist())
    elif archive.suffix != ".zip" and tarfile.is_tarfile(archive):
        with tarfile.open(archive) as packed_tar:
            yield _tar_entries(packed_tar)
    else:
        raise DataError(
            f"{archive} is not a zip or tar archive, or it is truncated", "get it again, or give the folder that you unpacked"
        )


def _zip_entry(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    link = stat.S_ISLNK(info.external_attr >> 16)
    kind = "link" if link else "folder" if info.is_dir() else "file"
    return Entry(info.filename, kind, info.file_size, lambda: packed.open(info))


def _tar_entries(packed: tarfile.TarFile) -> Iterator[Entry]:
    for info in packed:
        yield _tar_entry(packed, info)
    # The tar may end before its compressed stream does, and the checksum of the stream is compared at its end only.
    assert packed.fileobj is not None, "it is open"
    packed.fileobj.seek(packed.offset)
    while chunk := packed.fileobj.read(CHUNK_BYTES):
        yield Entry("padding", "padding", len(chunk), lambda: None)


def _tar_entry(packed: tarfile.TarFile, info: tarfile.TarInfo) -> Entry:
    kind = "file" if info.isfile() else "folder" if info.isdir() else "link" if info.issym() or info.islnk() else "device"
    return Entry(info.name, kind, info.size, lambda: packed.extractfile(info))


def _check(archive: Path, entries: Iterable[Entry], limits: Limits) -> tuple[list[tuple[Entry, Path]], int]:
    """All entries with their places relative to the folder, and how many bytes may be written."""
    allowed = min(limits.total_bytes, int(limits.ratio * archive.stat().st_size))
    checked: list[tuple[Entry, Path]] = []
    seen: set[str] = set()
    total = 0
    for entry in entries:
        if entry.kind not in ("file", "folder", "padding"):
            raise _refused(archive, f"'{entry.name}' is a {entry.kind}")
        target = _inside(archive, entry.name)
        total += entry.size
        if len(checked) >= limits.entries:
            raise _refused(archive, f"it has more than {limits.entries:,} entries")
        if total > allowed:
            raise _refused(archive, f"it would unpack to more than {allowed:,} bytes")
        if entry.kind == "file":
            if (key := target.as_posix().casefold()) in seen:
                raise _refused(archive, f"'{entry.name}' occurs twice")
            seen.add(key)
        checked.append((entry, target))
    return checked, allowed


def _inside(archive: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise _refused(archive, f"the name '{name}' leads out of the folder")
    return Path(*path.parts)


def _write(archive: Path, entry: Entry, path: Path, allowed: int) -> int:
    """Write one file; returns its size. Raises DataError when it is larger than allowed."""
    source = entry.open()
    assert source is not None, "only files are written"
    written = 0
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.open("xb")
    with source, target:
        while chunk := source.read(CHUNK_BYTES):
            written += len(chunk)
            if written > allowed:
                raise _refused(archive, f"'{entry.name}' is larger than it says")
            with writing(path):
                target.write(chunk)
    if written != entry.size:
        raise EOFError(f"'{entry.name}' ends after {written:,} of {entry.size:,} bytes")
    return written


def _refused(archive: Path, reason: str) -> DataError:
    return DataError(
        f"{archive} is refused: {reason}", "get the archive from its publisher, or give a folder that you unpacked and checked"
    )
