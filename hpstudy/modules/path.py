"""Import of a study's modules from the folder of its study file, in every process of the study."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hpstudy.errors import UsageError
from hpstudy.modules.finder import holds_packages
from hpstudy.modules.study_modules import StudyModules, digest_of


class _Block(NamedTuple):
    """An active `module_path` block."""

    modules: StudyModules
    thread: int


WAIT_S = 120.0
"""Seconds that a block waits for the blocks of another folder in other threads. A run with the inline executor can take longer."""

_lock = threading.Condition(threading.RLock())
"""Guards `_blocks` and `_cached`. It is notified at the end of each block."""

_blocks: list[_Block] = []
"""The active blocks of all threads. The modules of the last one are installed."""

_cached: StudyModules | None = None
"""The modules of the last block, which the next block of the same folder uses again."""


@contextmanager
def module_path(folder: str | None) -> Iterator[StudyModules | None]:
    """Search modules in `folder` first, within the block.

    A process keeps the modules of one folder between blocks. The modules of another folder, which can have the same names, are discarded.
    Several threads can run blocks of the same folder at the same time. Since modules belong to the process, a block waits while another
    thread is in a block of a different folder.

    Args:
        folder: an absolute path; None for a study without a file.

    Raises:
        UsageError: threads in blocks of other folders did not leave within WAIT_S.

    Yields:
        The modules; None if `folder` is None or contains installed packages. With a new object, all modules are imported again.
    """
    if folder is None or holds_packages(folder):
        yield None
        return
    modules = _enter(folder)
    try:
        yield modules
    finally:
        _leave()


def forget_changed_modules() -> None:
    """Discard the modules of the last block if one of their files has changed. Does nothing within a `module_path` block."""
    global _cached
    with _lock:
        if not _blocks and _cached is not None and _cached.changed():
            _cached = None


def search_path() -> list[str]:
    """Return sys.path for a new worker process, without the folder that a `module_path` block has added."""
    with _lock:
        return _blocks[-1].modules.search_path() if _blocks else [str(entry) for entry in sys.path]


def study_folder() -> str | None:
    """Return the folder of the study; None outside `module_path`."""
    with _lock:
        return _blocks[-1].modules.folder if _blocks else None


def loaded_sources() -> dict[str, str]:
    """Return the SHA-256 digest (hex) of each file loaded from the study's folder, by relative path; empty outside `module_path`."""
    with _lock:
        return dict(_blocks[-1].modules.finder.digests) if _blocks else {}


def loaded_modules() -> list[str]:
    """Return the names of the modules loaded from the study's folder; empty outside `module_path`."""
    with _lock:
        names = _blocks[-1].modules.finder.names if _blocks else set()
    return [name for name in list(sys.modules) if name.partition(".")[0] in names] if names else []


def passed_over(name: str | None = None) -> str:
    """Return a hint which modules of the study's folder are ignored, and why; "" if there are none.

    Args:
        name: check only this module; None checks all modules in the folder.
    """
    with _lock:
        if not _blocks:
            return ""
        modules = _blocks[-1].modules
        names = sorted(modules.possible_names()) if name is None else [name.partition(".")[0]]
        return "; ".join(filter(None, (modules.finder.passed_over(each) for each in names)))


def path_in_study(module: str, file: str) -> str:
    """Return the relative path, with slashes, of a file that was loaded as `module` from the study's folder; "" for other files."""
    with _lock:
        finder = _blocks[-1].modules.finder if _blocks else None
        if finder is None or module.partition(".")[0] not in finder.names:
            return ""
        path = finder.relative(file)
        return path if path in finder.digests else ""


def current_digest(path: str) -> str:
    """Return the SHA-256 digest (hex) of a file in the study's folder, when it was loaded, or otherwise now; "" if it does not exist.

    Args:
        path: relative to the folder, with slashes.
    """
    with _lock:
        if not _blocks:
            return ""
        modules = _blocks[-1].modules
        return modules.finder.digests.get(path) or digest_of(Path(modules.folder, path))


def _enter(folder: str) -> StudyModules:
    global _cached
    thread = threading.get_ident()
    with _lock:
        if not _lock.wait_for(lambda: _may_enter(folder, thread), WAIT_S):
            raise UsageError(
                f"waited {WAIT_S:g} s to use the modules of {folder}: another thread of this process uses those of "
                f"{_blocks[-1].modules.folder}, which can have the same names",
                'run both studies with executor="processes", whose trials use the modules in their own processes, or one after the other',
            )
        active = _blocks[-1].modules if _blocks else None
        if active is not None and active.folder == folder:
            modules = active
        else:
            modules = _cached if _cached is not None and _cached.folder == folder else StudyModules(folder)
            if active is not None:
                active.remove()
            modules.install()
        _blocks.append(_Block(modules, thread))
        _cached = modules
        return modules


def _may_enter(folder: str, thread: int) -> bool:
    """Whether no other thread is in a block of a different folder."""
    return not _blocks or _blocks[-1].modules.folder == folder or all(block.thread == thread for block in _blocks)


def _leave() -> None:
    """End the innermost block of this thread."""
    thread = threading.get_ident()
    with _lock:
        installed = _blocks[-1].modules
        del _blocks[max(index for index, block in enumerate(_blocks) if block.thread == thread)]
        following = _blocks[-1].modules if _blocks else None
        if following is not installed:
            installed.remove()
            if following is not None:
                following.install()
        _lock.notify_all()
