"""Checkpoints of evaluations that are under way: a file each, in a folder beside the database, until the outcome is stored.

Nothing that is left there can change a number. A file is named after what an evaluation is given (task, method, fixed values, points
and seeds), says what it was made with (versions of libraries, checksums of data and code), and is used by nothing else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from hpstudy.engine.environment import library_versions
from hpstudy.engine.roots import on_this_host, portable
from hpstudy.modules import current_digest
from hpstudy.sources import source_file, user_sources
from hpstudy.study.schema import TaskBlock, View
from hpstudy.study.space import Point

log = logging.getLogger(__name__)

SUFFIX = ".checkpoint"

Curves = Sequence[tuple[int, str, float]]
"""What a trial reported: (epoch, metric, value)."""


@dataclass(frozen=True)
class Kept:
    """What a checkpoint holds.

    Attributes:
        state: the task's, as it gave it.
        curves: of each trial of the evaluation: (epoch, metric, value), reported until then.
        duration_s: wall seconds spent training until then.
    """

    state: bytes
    curves: Sequence[Curves]
    duration_s: float


@dataclass(frozen=True)
class CheckpointFile:
    """The file of one evaluation, which need not exist; travels to the worker with the request.

    It holds a line with the SHA-256 of all that follows, a line of JSON, and the task's state.

    Attributes:
        portable_path: of the file, as every host understands it (`hpstudy.engine.roots`); its folder is made when first needed.
        identity: checksums of the study's data and of a user's code outside the study's folder. Those of the files in the folder are
            written with the state.
    """

    portable_path: str
    identity: Mapping[str, str]

    @property
    def path(self) -> Path:
        """The file on this host."""
        return on_this_host(self.portable_path)

    def read(self) -> Kept:
        """What was written last.

        Raises:
            FileNotFoundError: nothing was.
            OSError: the file cannot be read.
            ValueError: it is damaged, or was made with other libraries, data or code.
        """
        parts = self.path.read_bytes().split(b"\n", 2)
        if len(parts) < 3 or parts[0] != _checksum(parts[1], parts[2]):
            raise ValueError("it is damaged")
        header, here = json.loads(parts[1]), self._made_with()
        made_with = header["made_with"]
        here |= {name: current_digest(file) for name in made_with if (file := source_file(name))}
        if differ := sorted(name for name in {*made_with, *here} if made_with.get(name) != here.get(name)):
            raise ValueError(f"it was made with another {', '.join(differ)}")
        if "curves of trials" not in header:
            raise ValueError("it was made by an earlier version of hpstudy")
        curves = [[(epoch, name, value) for epoch, name, value in trial] for trial in header["curves of trials"]]
        return Kept(parts[2], curves, header["duration_s"])

    def write(self, kept: Kept) -> None:
        """Replace what was written last; all or nothing of it is there after a crash. Raises OSError."""
        made_with = self._made_with() | user_sources(())
        header = json.dumps({"made_with": made_with, "curves of trials": kept.curves, "duration_s": kept.duration_s}).encode()
        self.path.parent.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f"{self.path.name}.")
        unfinished = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines((_checksum(header, kept.state), b"\n", header, b"\n", kept.state))
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path)
        finally:
            unfinished.unlink(missing_ok=True)

    def folder(self, sources: Mapping[str, str]) -> Path:
        """A folder for a program's own files. It is named after what it was made with, `sources` included.

        Raises:
            OSError: it cannot be made.
        """
        made_with = json.dumps({**self._made_with(), **sources}, sort_keys=True)
        folder = self.path.with_name(f"{self.path.name}.{hashlib.sha256(made_with.encode()).hexdigest()[:16]}")
        if not folder.exists() and any(path.is_dir() for path in self.path.parent.glob(f"{self.path.name}.*")):
            log.warning("files that %s keeps were made with other libraries, data or code: the training starts over", self.path)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def discard(self) -> None:
        """Delete the file and the folder, and what a killed process left of them."""
        for path in _files(self.path.parent, f"{self.path.name}*"):
            _delete(path)

    def _made_with(self) -> dict[str, str]:
        return {**self.identity, **library_versions()}


class CheckpointFolder:
    """Where the trials of one database keep their checkpoints: the folder DATABASE.checkpoints beside it.

    Args:
        storage: the database.
        identity: as of a `CheckpointFile`, as found by this session.
    """

    def __init__(self, storage: Path, identity: Mapping[str, str]) -> None:
        self.path = storage.absolute().with_name(storage.name + ".checkpoints")
        self.identity = dict(identity)

    def file(self, task: TaskBlock, view: View, trials: Iterable[tuple[Point, int]]) -> CheckpointFile:
        """The file of an evaluation of `view`; each of its trials has a point and a training seed."""
        given = [task.model_dump(mode="json"), view.method, view.fixed, *chain.from_iterable(trials)]
        name = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
        return CheckpointFile(portable(self.path / (name + SUFFIX)), self.identity)

    def remove_if_empty(self) -> None:
        """Remove the folder unless it holds a file. Call when no worker can be writing."""
        with suppress(OSError):
            self.path.rmdir()

    def remove(self) -> None:
        """Remove the folder with its remaining files, for instance by a process that was killed between storing and deleting.

        Call when no trial is under way.
        """
        for path in _files(self.path, f"*{SUFFIX}*"):
            _delete(path)
        self.remove_if_empty()


def _files(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder, which is not there when its name is too long for the file system."""
    with suppress(OSError):
        return list(folder.glob(pattern))
    return []


def _delete(path: Path) -> None:
    """Delete a file or folder if that is possible; remaining files change no number."""
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _checksum(header: bytes, state: bytes) -> bytes:
    digest = hashlib.sha256(header)
    digest.update(b"\n")
    digest.update(state)
    return digest.hexdigest().encode()
