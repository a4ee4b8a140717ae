"""Checkpoints of running evaluations: one file each, in a folder next to the database, until the outcome is stored.

A remaining file cannot change a number. It is named after its trials and the inputs of their evaluation (task, method, fixed values, points
and seeds). It records the library versions and the checksums of data and code that it was made with, and it is used only with the same
ones.
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
from hpstudy.sources import source_file, study_sources
from hpstudy.study.schema import TaskBlock, View
from hpstudy.study.space import Point

log = logging.getLogger(__name__)

SUFFIX = ".checkpoint"

Curves = Sequence[tuple[int, str, float]]
"""Values that a trial reported: (epoch, metric, value)."""


@dataclass(frozen=True)
class CheckpointContents:
    """The contents of a checkpoint.

    Attributes:
        state: the bytes that the task saved.
        curves: for each trial of the evaluation, the (epoch, metric, value) reported so far.
        duration_s: wall seconds spent training so far.
    """

    state: bytes
    curves: Sequence[Curves]
    duration_s: float


@dataclass(frozen=True)
class CheckpointFile:
    """The checkpoint file of one evaluation, which may not exist yet. It is sent to the worker with the request.

    It holds a line with the SHA-256 of all that follows, a line of JSON, and the task's state.

    Attributes:
        portable_path: path of the file that is valid on every host (`hpstudy.engine.roots`). Its folder is created when first needed.
        identity: checksums of the study's data and of the user's code outside the study's folder. Checksums of files in that folder are
            written with the state.
    """

    portable_path: str
    identity: Mapping[str, str]

    @property
    def path(self) -> Path:
        """The file on this host."""
        return on_this_host(self.portable_path)

    def read(self) -> CheckpointContents:
        """The contents written last.

        Raises:
            FileNotFoundError: nothing was written.
            OSError: the file cannot be read.
            ValueError: it is damaged, or was made with other libraries, data or code.
        """
        parts = self.path.read_bytes().split(b"\n", 2)
        if len(parts) < 3 or parts[0] != _checksum(parts[1], parts[2]):
            raise ValueError("it is damaged")
        header, current = json.loads(parts[1]), self._made_with()
        made_with = header["made_with"]
        current |= {name: current_digest(file) for name in made_with if (file := source_file(name))}
        if different := sorted(name for name in {*made_with, *current} if made_with.get(name) != current.get(name)):
            raise ValueError(f"it was made with another {', '.join(different)}")
        if "curves of trials" not in header:
            raise ValueError("it was made by an earlier version of hpstudy")
        curves = [[(epoch, name, value) for epoch, name, value in trial] for trial in header["curves of trials"]]
        return CheckpointContents(parts[2], curves, header["duration_s"])

    def write(self, contents: CheckpointContents) -> None:
        """Replace the contents atomically: after a crash the file is either the old one or the new one. Raises OSError."""
        made_with = self._made_with() | study_sources()
        header = json.dumps(
            {"made_with": made_with, "curves of trials": contents.curves, "duration_s": contents.duration_s}
        ).encode()
        self.path.parent.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f"{self.path.name}.")
        unfinished = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines((_checksum(header, contents.state), b"\n", header, b"\n", contents.state))
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path)
        finally:
            unfinished.unlink(missing_ok=True)

    def folder(self, sources: Mapping[str, str]) -> Path:
        """A folder for a program's own files. Its name contains a digest of the libraries, data and code, `sources` included.

        Raises:
            OSError: it cannot be created.
        """
        made_with = json.dumps({**self._made_with(), **sources}, sort_keys=True)
        folder = self.path.with_name(f"{self.path.name}.{hashlib.sha256(made_with.encode()).hexdigest()[:16]}")
        if not folder.exists() and any(path.is_dir() for path in self.path.parent.glob(f"{self.path.name}.*")):
            log.warning("the files kept at %s were made with other libraries, data or code: the training starts over", self.path)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def discard(self) -> None:
        """Delete the file and the folder, including partial ones from a killed process."""
        for path in _files(self.path.parent, f"{self.path.name}*"):
            _delete(path)

    def _made_with(self) -> dict[str, str]:
        return {**self.identity, **library_versions()}


class CheckpointFolder:
    """The folder of the checkpoints of one database: DATABASE.checkpoints, next to it.

    Args:
        storage: the database.
        identity: checksums as in `CheckpointFile`, computed by this session.
    """

    def __init__(self, storage: Path, identity: Mapping[str, str]) -> None:
        self.path = storage.absolute().with_name(storage.name + ".checkpoints")
        self.identity = dict(identity)

    def file(self, task: TaskBlock, view: View, trials: Iterable[tuple[str, Point, int]]) -> CheckpointFile:
        """The checkpoint file of an evaluation of `view`. Each trial is its name, its point and its training seed.

        Trials of several searches can have the same point and seed. They run at the same time, so that they must not share a file.
        """
        inputs = [task.model_dump(mode="json"), view.method, view.fixed, *chain.from_iterable(trials)]
        name = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        return CheckpointFile(portable(self.path / (name + SUFFIX)), self.identity)

    def remove_if_empty(self) -> None:
        """Remove the folder if it is empty. Call only when no worker can be writing."""
        with suppress(OSError):
            self.path.rmdir()

    def remove(self) -> None:
        """Remove the folder and its remaining files, such as those of a process that was killed between storing and deleting.

        Call only when no trial is running.
        """
        for path in _files(self.path, f"*{SUFFIX}*"):
            _delete(path)
        self.remove_if_empty()


def _files(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder. It does not exist if its name is too long for the file system."""
    with suppress(OSError):
        return list(folder.glob(pattern))
    return []


def _delete(path: Path) -> None:
    """Delete a file or folder if possible. A remaining file cannot change a number."""
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
