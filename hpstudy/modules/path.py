"""Import of a study's modules from the folder of its study file, in every process of the study."""

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
    """The modules that this process has loaded from a study's folder. They are in sys.modules only while they are installed.

    Args:
        folder: absolute path.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.finder = StudyFinder(folder)
        self._own: dict[str, ModuleType] = {}
        self._others: dict[str, ModuleType] = {}
        self._extended_path = False

    def install(self) -> None:
        """Make the modules importable. They replace other modules with the same names."""
        sys.meta_path.insert(0, self.finder)
        if self.folder not in sys.path:
            # Processes that a trial starts with multiprocessing or joblib inherit the path, but not the finder.
            sys.path.append(self.folder)
            self._extended_path = True
        self._others = {name: sys.modules.pop(name) for name in self._hidden_by_folder()}
        sys.modules.update(self._own)

    def remove(self) -> None:
        """Undo `install`."""
        with suppress(ValueError):  # user code could have removed them
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
        """Return whether a file has changed since it was loaded."""
        return any(digest != digest_of(Path(self.folder, path)) for path, digest in self.finder.digests.items())

    def names_in_folder(self) -> set[str]:
        """Return the possible names of modules in the folder."""
        try:
            return {entry.name.partition(".")[0] for entry in Path(self.folder).iterdir()} - {""}
        except OSError:
            return set()

    def _hidden_by_folder(self) -> list[str]:
        """Return modules in sys.modules that were imported from elsewhere, and that an import would now find in the folder."""
        here = self.names_in_folder() & sys.modules.keys()
        hidden = {name for name in here if self.finder.find_spec(name) and name in self.finder.names}
        return [name for name in sys.modules if name.partition(".")[0] in hidden] if hidden else []


_lock = threading.RLock()
_entered: list[StudyModules] = []
"""The modules of each active `module_path` block. Those of the last block are installed."""

_kept: StudyModules | None = None
"""The modules of the last study, for its next block."""


@contextmanager
def module_path(folder: str | None) -> Iterator[StudyModules | None]:
    """Search modules in `folder` first, within the block.

    A process keeps the modules of one folder between blocks. The modules of another folder, which can have the same names, are discarded.
    Several threads can run blocks of the same folder.

    Args:
        folder: an absolute path; None for a study without a file.

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
        _leave(modules)


def forget_changed_modules() -> None:
    """Discard a study's modules before a run if one of their files has changed. Does nothing within a `module_path` block."""
    global _kept
    with _lock:
        if not _entered and _kept is not None and _kept.changed():
            _kept = None


def search_path() -> list[str]:
    """Return sys.path for a new worker process, without the folder that a `module_path` block has added."""
    with _lock:
        added = _entered[-1].folder if _entered and _entered[-1]._extended_path else None
        return [str(entry) for entry in sys.path if entry != added]


def study_folder() -> str | None:
    """Return the folder of the study; None outside `module_path`."""
    with _lock:
        return _entered[-1].folder if _entered else None


def loaded_sources() -> dict[str, str]:
    """Return the SHA-256 digest (hex) of each file loaded from the study's folder, by relative path; empty outside `module_path`."""
    with _lock:
        return dict(_entered[-1].finder.digests) if _entered else {}


def passed_over(name: str | None = None) -> str:
    """Return a hint which modules of the study's folder are ignored, and why; "" if there are none.

    Args:
        name: check only this module; None checks all modules in the folder.
    """
    with _lock:
        if not _entered:
            return ""
        modules = _entered[-1]
        names = sorted(modules.names_in_folder()) if name is None else [name.partition(".")[0]]
        return "; ".join(filter(None, (modules.finder.passed_over(each) for each in names)))


def path_in_study(module: str, file: str) -> str:
    """Return the relative path, with slashes, of a file that was loaded as `module` from the study's folder; "" for other files."""
    with _lock:
        finder = _entered[-1].finder if _entered and module.partition(".")[0] in _entered[-1].finder.names else None
        path = finder.relative(file) if finder is not None else ""
        return path if finder is not None and path in finder.digests else ""


def current_digest(path: str) -> str:
    """Return the SHA-256 digest (hex) of a file in the study's folder, when it was loaded, or otherwise now; "" if it does not exist.

    Args:
        path: relative to the folder, with slashes.
    """
    with _lock:
        if not _entered:
            return ""
        modules = _entered[-1]
        return modules.finder.digests.get(path) or digest_of(Path(modules.folder, path))


def digest_of(file: Path) -> str:
    """Return the SHA-256 digest (hex) of a file; "" if it is not a readable regular file."""
    try:
        if not file.is_file():  # a pipe or a device could be endless
            return ""
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def module_file(name: str, folder: str | None) -> str:
    """Return the file that an import of `name` would load in a study with the module folder `folder`; "" for none. Imports nothing."""
    with module_path(folder):
        path: Sequence[str] | None = None
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            spec = _spec(".".join(parts[:end]), path)
            if spec is None or (path := spec.submodule_search_locations) is None:
                break
        return spec.origin or "" if spec is not None and spec.name == name and spec.has_location else ""


def module_folder(names: Iterable[str]) -> str | None:
    """Return the folder to pass to `module_path` for modules that a caller has imported, or loaded with a study.

    Args:
        names: names of modules, such as "package.module".

    Returns:
        The first of their folders that is not on sys.path, where every worker finds modules anyway. If all are on sys.path, the first
        folder. If none of the modules is imported, the folder of the last study if it has one of them, otherwise the working directory.
        None if there are no names.
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
