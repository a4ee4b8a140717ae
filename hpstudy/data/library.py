"""Functions behind the commands `hpstudy data ...`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from hpstudy.arguments import checked
from hpstudy.data import cache, manifest, sets
from hpstudy.data.dataset import Contents, Origin, Progress
from hpstudy.data.datasets import DATASETS
from hpstudy.data.features import KEY_DIGITS
from hpstudy.data.manifest import Manifest
from hpstudy.errors import DataError


@dataclass(frozen=True)
class SetStatus:
    """A data set and its state on this machine.

    Attributes:
        name, description, licence: as in the registry.
        present: whether it is on this machine and every file has the right size.
        problem: why an existing copy cannot be used, or "".
        holds: number and kind of items, for instance "3,000 clips of 6 speakers"; "" if it is not present.
        notes: further information for users; a short phrase each.
        size_bytes: size on disk without features.
        path: its folder, which may not exist.
        command: the command that gets it.
    """

    name: str
    description: str
    licence: str
    present: bool
    problem: str
    holds: str
    notes: tuple[str, ...]
    size_bytes: int
    path: Path
    command: str

    def as_dict(self) -> dict[str, Any]:
        """Return one row of `hpstudy data list`."""
        state = "damaged" if self.problem else "yes" if self.present else "no"
        return {
            "data set": self.name,
            "here": state,
            "holds": self.holds,
            "MB": round(self.size_bytes / 1e6),
            "description": self.description,
            "command": self.command,
            "notes": "; ".join(self.notes),
        }

    def __str__(self) -> str:
        return "; ".join([f"{self.holds} in {self.path}", *self.notes])


def list_sets() -> list[SetStatus]:
    """Return the status of all built-in data sets, in the order of the registry."""
    return [status(name) for name in DATASETS]


@checked
def status(name: str) -> SetStatus:
    """Return the status of one data set. Raises UsageError if there is no such data set."""
    data = sets.dataset(name)
    folder = sets.folder_of(data)
    record: Manifest | None = None
    problem = ""
    try:
        record = manifest.opened(folder)
        if record and (problems := data.problems(folder, record.facts, sets.log_progress, thorough=False)):
            record, problem = None, problems[0]
    except DataError as error:
        problem = error.message
    contents = data.contents(record.facts) if record else Contents("")
    return SetStatus(
        name=name,
        description=DATASETS[name].description,
        licence=data.licence,
        present=record is not None,
        problem=problem,
        holds=contents.summary,
        notes=contents.notes,
        size_bytes=record.size_bytes if record else 0,
        path=folder,
        command=data.command,
    )


@checked
def fetch(name: str, progress: Progress = sets.log_progress) -> SetStatus:
    """Download a data set from its public URL, or generate it. A sound copy on this machine is kept.

    The archive stays in the cache until it has been imported or refused, so that an interrupted `fetch` can be resumed.

    Raises:
        UsageError: there is no such data set.
        DataError: the server does not answer, or its file is not the data set; or the user must provide the files.
    """
    from hpstudy.data.download import download

    data = sets.dataset(name)
    if _is_sound(name):
        return status(name)
    if data.origin is Origin.PROVIDED:
        raise DataError(f"{name} cannot be downloaded: it has no public URL, so you must provide it", data.instructions)
    if data.url is None:
        sets.make(data, None, progress, replace=True)
    else:
        archive = cache.root() / "downloads" / f"{data.name}-{data.version}{PurePosixPath(urlsplit(data.url).path).suffix}"
        with cache.locked(f"{data.name}-download"), cache.writing(archive):
            if _is_sound(name):  # another process has fetched it meanwhile
                return status(name)
            try:
                if not archive.exists():
                    download(data.url, archive, data.sha256, progress, md5=data.md5)
            except DataError as error:
                hint = f"{error.hint}; or get it elsewhere: hpstudy data import {name} --from PATH"
                raise DataError(error.message, hint) from error
            try:
                sets.make(data, archive, progress, replace=True)
            except cache.NotWritable:
                raise
            except DataError:
                archive.unlink()
                raise
            archive.unlink()
    return status(name)


@checked
def import_set(name: str, source: str | Path, progress: Progress = sets.log_progress) -> SetStatus:
    """Import a data set from a folder or archive of its original files, replacing an existing copy.

    Raises:
        UsageError: there is no such data set.
        DataError: the original files are incomplete (the message lists what is missing), or the data set has no original files.
    """
    data = sets.dataset(name)
    if data.origin is Origin.GENERATED:
        raise DataError(f"{name} is generated on this machine, not imported", data.command)
    sets.make(data, Path(source), progress, replace=True)
    return status(name)


@checked
def verify(name: str, progress: Progress = sets.log_progress) -> list[str]:
    """Compare every file of a data set and its features with its checksum, including image files in the user's folder.

    Args:
        name: name of the data set.
        progress: called as image files in the user's folder are read.

    Returns:
        One message per problem, with instructions; an empty list if there is none.

    Raises:
        UsageError: there is no such data set.
        DataError: the folder of the features may not be read.
    """
    data = sets.dataset(name)
    folder = sets.folder_of(data)
    sentences = _problems(folder)
    if sentences is None:
        return [f"not on this machine: {data.instructions}"]
    if not sentences and (record := manifest.read(folder)):
        sentences = data.problems(folder, record.facts, progress, thorough=True)
    if sentences:
        sentences.append(f"to repair it: {data.repair}")
    with manifest.reading(folder := cache.root() / "features"):
        cached = sorted(folder.iterdir()) if folder.is_dir() else []
    for features in cached:
        if features.match(f"{data.name}-{'?' * KEY_DIGITS}") and (damaged := _problems(features)):
            sentences += [*damaged, f"to repair it: delete {features}"]
    return sentences


@checked
def path(name: str) -> Path:
    """Return the folder of a data set.

    Raises:
        UsageError: there is no such data set.
        DataError: it is not on this machine, or may not be read.
    """
    data = sets.dataset(name)
    folder = sets.folder_of(data)
    if manifest.read(folder) is None:
        raise DataError(f"the data set {name} is not on this machine ({folder})", data.instructions)
    return folder


def _is_sound(name: str) -> bool:
    """Return whether a data set is on this machine and all checksums match."""
    existing = status(name)
    return existing.present and _problems(existing.path) == []


def _problems(folder: Path) -> list[str] | None:
    """Return the problems of a folder, including wrong checksums; None if the folder does not exist."""
    try:
        record = manifest.read(folder)
    except DataError as error:
        return [error.message]
    return None if record is None else manifest.problems(folder, record, thorough=True)
