"""The data cache on this machine, and atomic publication of its folders.

    ROOT/sets/NAME-VERSION/        the arrays of a data set
    ROOT/features/NAME-KEY/        features of a data set
    ROOT/downloads/                complete and partial archives of `fetch`
    ROOT/teachers/                 published weights of trained networks
    ROOT/locks/                    one lock file per name, held while it is built

ROOT is the environment variable HPSTUDY_DATA. Default: the user's cache folder.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpstudy.drafts import write_problem
from hpstudy.errors import DataError

VARIABLE = "HPSTUDY_DATA"
UNFINISHED = ".unfinished-"
"""Prefix of folders that are being built. They are never opened, and the next build of the same name deletes them."""

log = logging.getLogger(__name__)


class NotWritable(DataError):
    """The cache cannot be written. The data are not the cause."""


def root() -> Path:
    """Return the root folder of the cache. It may not exist yet.

    Raises:
        DataError: the user has no home folder.
    """
    import platformdirs

    try:
        chosen = os.environ.get(VARIABLE)
        return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_cache_path("hpstudy")
    except RuntimeError as error:
        raise DataError(f"there is no folder for data sets: {error}", f"set {VARIABLE} to a writable folder") from error


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of `name` against other processes and threads. Logs a warning if it has to wait.

    The operating system releases the lock of a process that dies. The lock is needed only to build; published folders are opened
    without it.
    """
    import filelock

    with writing(folder := root() / "locks"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            log.warning("waiting for another process that is preparing %s", name)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def publishing(folder: Path) -> Iterator[Path]:
    """Create a temporary folder next to `folder`, and rename it to `folder` if the block ends without an error.

    The caller must hold the lock of the name. Readers see the complete old content, no folder (during the exchange), or the
    complete new content: every file is on disk before the folder is renamed. A killed build leaves an unfinished folder that is
    never opened.
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
    """Translate system errors (full disk, no permission) to NotWritable that names `path`, and the file if it is a different one."""
    try:
        yield
    except OSError as error:
        culprit = f" ({error.filename})" if error.filename and Path(error.filename) != path else ""
        if isinstance(error, PermissionError):
            remedy = "check the permissions, or "
        else:  # NumPy gives no number if a disk is full
            remedy = "free some disk space, or " if error.errno in (None, errno.ENOSPC, errno.EDQUOT) else ""
        raise NotWritable(
            f"cannot prepare {path}: {write_problem(path, error)}{culprit}", f"{remedy}set {VARIABLE} to a writable folder"
        ) from error


def _to_disk(path: Path) -> None:
    """Flush a file or folder from the system's cache to the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot flush folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
