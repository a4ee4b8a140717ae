"""A study's own modules: found in the folder of its study file, in every process, while the study is at work."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from hpstudy.modules.finder import StudyFinder, holds_packages


class StudyModules:
    """The modules that this process has loaded from the folder of a study. They are in sys.modules only while they are installed.

    Args:
        folder: absolute.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.finder = StudyFinder(folder)
        self._own: dict[str, ModuleType] = {}
        self._others: dict[str, ModuleType] = {}
        self._extended_path = False

    def install(self) -> None:
        """Make the modules importable, in place of others of the same names."""
        sys.meta_path.insert(0, self.finder)
        if self.folder not in sys.path:
            # The end of the path is for processes that a trial starts with multiprocessing or joblib. They get it without the finder.
            sys.path.append(self.folder)
            self._extended_path = True
        self._others = {name: sys.modules.pop(name) for name in self._hidden_by_folder()}
        sys.modules.update(self._own)

    def remove(self) -> None:
        """Put everything back."""
        with suppress(ValueError):  # user code may have removed them
            sys.meta_path.remove(self.finder)
            if self._extended_path:
                self._extended_path = False
                sys.path.remove(self.folder)
        self._own = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in self.finder.names}
        for name in self._own:
            del sys.modules[name]
        sys.modules.update(self._others)
        self._others = {}

    def changed(self) -> bool:
        """Whether a file is no longer as it was when it was loaded."""
        return any(digest != digest_of(Path(self.folder, path)) for path, digest in self.finder.digests.items())

    def names_in_folder(self) -> set[str]:
        """Names that a module in the folder may have."""
        try:
            return {entry.name.partition(".")[0] for entry in Path(self.folder).iterdir()} - {""}
        except OSError:
            return set()

    def _hidden_by_folder(self) -> list[str]:
        """Modules in sys.modules, imported by others, that an import would now find in the folder."""
        here = self.names_in_folder() & sys.modules.keys()
        hidden = {name for name in here if self.finder.find_spec(name) and name in self.finder.names}
        return [name for name in sys.modules if name.partition(".")[0] in hidden] if hidden else []


_lock = threading.RLock()
_entered: list[StudyModules] = []
"""Those of each `module_path` block under way; those of the last one are installed."""

_kept: StudyModules | None = None
"""Those of the last study, kept for its next block."""


@contextmanager
def module_path(folder: str | None) -> Iterator[StudyModules | None]:
    """Look for modules in `folder` before anywhere else, while the body runs.

    A process keeps the modules of one folder from block to block. Those of another folder, which may have the same names, are
    forgotten. Several threads may be in blocks of one folder.

    Args:
        folder: an absolute path; None for a study that came from no file.

    Yields:
        The modules; None if `folder` is None, or is where packages are installed. A new object means that all are imported again.
    """
    if folder is None or holds_packages(folder):
        yield None
        return
    modules = _enter(folder)
    try:
        yield modules
    finally:
        _leave(modules)


def forget_changed_modules() -> None:
    """Before a run: import a study's modules again if one of their files has changed. Within a `module_path` block, do nothing."""
    global _kept
    with _lock:
        if not _entered and _kept is not None and _kept.changed():
            _kept = None


def search_path() -> list[str]:
    """sys.path for a new worker process: without the folder that a `module_path` block has added."""
    with _lock:
        added = _entered[-1].folder if _entered and _entered[-1]._extended_path else None
        return [str(entry) for entry in sys.path if entry != added]


def study_folder() -> str | None:
    """The folder of the study; None outside `module_path`."""
    with _lock:
        return _entered[-1].folder if _entered else None


def loaded_sources() -> dict[str, str]:
    """SHA-256 (hex) of each file that was loaded from the study's folder, by its path in the folder; empty outside `module_path`."""
    with _lock:
        return dict(_entered[-1].finder.digests) if _entered else {}


def passed_over(name: str | None = None) -> str:
    """Which modules of the study's folder are not imported, and why, as advice; "" when there are none.

    Args:
        name: only of this module; of all modules in the folder when None.
    """
    with _lock:
        if not _entered:
            return ""
        modules = _entered[-1]
        names = sorted(modules.names_in_folder()) if name is None else [name.partition(".")[0]]
        return "; ".join(filter(None, (modules.finder.passed_over(each) for each in names)))


def path_in_study(module: str, file: str) -> str:
    """The path in the study's folder of a file that was loaded from it as `module`, with slashes; "" for a file from elsewhere."""
    with _lock:
        finder = _entered[-1].finder if _entered and module.partition(".")[0] in _entered[-1].finder.names else None
        path = finder.relative(file) if finder is not None else ""
        return path if finder is not None and path in finder.digests else ""


def current_digest(path: str) -> str:
    """SHA-256 (hex) of a file in the study's folder: as it was when it was loaded, or else as it is now; "" if it is not there.

    Args:
        path: relative to the folder, with slashes.
    """
    with _lock:
        if not _entered:
            return ""
        modules = _entered[-1]
        return modules.finder.digests.get(path) or digest_of(Path(modules.folder, path))


def digest_of(file: Path) -> str:
    """SHA-256 (hex) of a file; "" if it is not a file that can be read."""
    try:
        if not file.is_file():  # a pipe, or a device, may have no end
            return ""
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def module_file(name: str, folder: str | None) -> str:
    """The file that an import of `name` would load in a study whose modules are in `folder`; "" for none. Imports nothing."""
    with module_path(folder):
        path: Sequence[str] | None = None
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            spec = _spec(".".join(parts[:end]), path)
            if spec is None or (path := spec.submodule_search_locations) is None:
                break
        return spec.origin or "" if spec is not None and spec.name == name and spec.has_location else ""


def module_folder(names: Iterable[str]) -> str | None:
    """The folder to pass to `module_path` for modules that a caller imported, or loaded with a study.

    Args:
        names: of modules, such as "package.module".

    Returns:
        The first of their folders that is not on sys.path, where every worker finds modules anyway; without such a folder the first of
        all; if none of the modules is imported, the folder of the last study if it has one of them, or else the working directory; None
        when there are no names.
    """
    names = list(names)
    files = [(name, file) for name in names if (file := getattr(sys.modules.get(name), "__file__", None))]
    folders = [str(Path(file).resolve().parents[name.count(".") + (Path(file).name == "__init__.py")]) for name, file in files]
    if not folders:
        loaded = _kept is not None and any(name.partition(".")[0] in _kept.finder.names for name in names)
        return (_kept.folder if _kept is not None and loaded else str(Path.cwd())) if names else None
    return next((folder for folder in folders if folder not in sys.path), folders[0])


def _spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    return next((spec for finder in sys.meta_path if (spec := finder.find_spec(name, path)) is not None), None)


def _enter(folder: str) -> StudyModules:
    global _kept
    with _lock:
        active = _entered[-1] if _entered else None
        if active is not None and active.folder == folder:
            modules = active
        else:
            modules = _kept if _kept is not None and _kept.folder == folder else StudyModules(folder)
            if active is not None:
                active.remove()
            modules.install()
        _entered.append(modules)
        _kept = modules
        return modules


def _leave(modules: StudyModules) -> None:
    with _lock:
        installed = _entered[-1]
        del _entered[len(_entered) - 1 - _entered[::-1].index(modules)]
        following = _entered[-1] if _entered else None
        if following is not installed:
            installed.remove()
            if following is not None:
                following.install()
