"""Where data lie on this machine, and how they get there whole or not at all.

    ROOT/sets/NAME-VERSION/        the recordings of a data set, as arrays
    ROOT/features/NAME-KEY/        features of a data set
    ROOT/downloads/                archives, and parts of archives, that `fetch` is getting
    ROOT/teachers/                 published weights of trained networks
    ROOT/locks/                    one lock file per name, held while it is built

ROOT is the environment variable HPSTUDY_DATA, or else the user's cache folder.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpstudy.errors import DataError

VARIABLE = "HPSTUDY_DATA"
UNFINISHED = ".unfinished-"
"""Begins the names of folders that are being built; nothing ever opens them, and the next build of the same name deletes them."""

log = logging.getLogger(__name__)


def root() -> Path:
    """The cache's root folder; it need not exist."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("hpstudy")


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of `name` against other processes and threads; wait for it, saying so, while another one builds.

    The operating system frees the lock of a process that dies. Taken for building only: what is published is opened without it.
    """
    import filelock

    with writing(folder := root() / "locks"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            log.warning("waiting for another process that prepares %s", name)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def publishing(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` to build in, which becomes `folder` when the block ends without an error.

    Call with the lock of its name held. Readers see the old content, or (for the moment of the exchange) none, or all of the
    new: every file is on disk before the folder gets its name. A killed build leaves an unfinished folder that is never opened.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        for leftover in folder.parent.glob(f"{UNFINISHED}{folder.name}-*"):
            shutil.rmtree(leftover)
        scratch = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{folder.name}-", dir=folder.parent))
    try:
        with writing(folder):
            yield scratch
            scratch.chmod(0o755)
            for path in (*scratch.rglob("*"), scratch):
                _to_disk(path)
            if folder.exists():
                old = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{folder.name}-", dir=folder.parent))
                folder.replace(old / "old")
            scratch.replace(folder)
            _to_disk(folder.parent)
            for leftover in folder.parent.glob(f"{UNFINISHED}{folder.name}-*"):
                shutil.rmtree(leftover)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusals (full disk, no permission) into a DataError that names `path`, and the file where it is another."""
    try:
        yield
    except OSError as error:
        culprit = f" ({error.filename})" if error.filename and Path(error.filename) != path else ""
        raise DataError(
            f"cannot prepare {path}: {error.strerror or error}{culprit}",
            f"make room or set {VARIABLE} to a folder that can be written",
        ) from error


def _to_disk(path: Path) -> None:
    """Flush a file or folder from the system's memory to the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows flushes no folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
