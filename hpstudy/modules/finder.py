"""The import finder of a study's folder."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from collections.abc import Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from hpstudy.modules.dependencies import needed_modules
from hpstudy.modules.loaders import file_finder


class StudyFinder(MetaPathFinder):
    """Import finder that searches one folder before all others, and records the digest of every file that it loads.

    It also handles subfolders that user code adds to sys.path. It ignores modules with the name of a module of Python, of hpstudy, or of
    a library that hpstudy needs, so that a file such as numpy.py in the folder cannot replace the library.

    Args:
        folder: absolute path.

    Attributes:
        names: top-level names of the modules that it has found.
        digests: SHA-256 digest (hex) of each file when it was loaded, by its path relative to the folder, with slashes.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.names: set[str] = set()
        self.digests: dict[str, str] = {}
        self._real = os.path.realpath(folder)
        self._ours: dict[str, bool] = {}
        self._passed_over: dict[str, str] = {}
        self._finders: dict[str, FileFinder] = {}

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module; see `importlib.abc.MetaPathFinder`."""
        if path is None:
            return self._top_level(fullname)
        if fullname.partition(".")[0] not in self.names:
            return None
        return self._find(fullname, [entry for entry in path if self._is_ours(entry)])

    def invalidate_caches(self) -> None:
        """Discard the cached listings of the folders."""
        self._finders.clear()

    def search_folders(self) -> list[str]:
        """Return the folder, and its subfolders on sys.path."""
        return [self.folder, *(entry for entry in sys.path if self._is_ours(entry) and os.path.realpath(entry) != self._real)]

    def passed_over(self, name: str) -> str:
        """Return a hint why the folder's module with this top-level name is ignored; "" if it is imported or does not exist."""
        self.find_spec(name)
        return self._passed_over.get(name, "")

    def _top_level(self, name: str) -> ModuleSpec | None:
        spec = self._find(name, self.search_folders())
        if spec is None:
            return None
        if name in ("hpstudy", "__main__"):
            return None
        other = self._elsewhere(name)
        if name in sys.stdlib_module_names:
            return self._pass_over(name, spec, "it has the name of a module of Python", other)
        if other is not None and name in needed_modules():
            return self._pass_over(name, spec, "it has the name of a library that hpstudy needs", other)
        if spec.submodule_search_locations is not None and spec.loader is None and other is not None:
            # A folder without __init__.py: as usual in Python, a module elsewhere has priority, and namespace packages are joined.
            if other.submodule_search_locations is None or other.origin is not None:
                return None
            spec.submodule_search_locations += list(other.submodule_search_locations)
        self.names.add(name)
        return spec

    def _pass_over(self, name: str, spec: ModuleSpec, why: str, other: ModuleSpec | None) -> ModuleSpec | None:
        file = spec.origin or Path(self.folder, name)
        self._passed_over[name] = f"{file} is not imported, because {why}: rename it"
        return other

    def _find(self, name: str, entries: Sequence[str]) -> ModuleSpec | None:
        """Find a module, a package, or the joined portions of a namespace package in the folders `entries`."""
        portions: list[str] = []
        for entry in entries:
            if entry not in self._finders:
                self._finders[entry] = file_finder(entry, self._keep)
            spec = self._finders[entry].find_spec(name)
            if spec is not None and spec.loader is not None:
                return spec
            portions += (spec.submodule_search_locations or []) if spec is not None else []
        if not portions:
            return None
        namespace = ModuleSpec(name, None, is_package=True)
        namespace.submodule_search_locations = portions
        return namespace

    def _elsewhere(self, name: str) -> ModuleSpec | None:
        """Return the spec that the other finders find outside the folder."""
        path = [entry for entry in sys.path if not self._is_ours(entry)]
        for finder in sys.meta_path:
            if finder is not self:
                spec = finder.find_spec(name, path if finder is PathFinder else None)
                if spec is not None and not (spec.origin and self._is_ours(spec.origin)):
                    return spec
        return None

    def _is_ours(self, path: str) -> bool:
        """Return whether a path is in the study's folder, but not in a Python environment within it."""
        path = os.path.abspath(path)  # noqa: PTH100  # "" on sys.path is the current folder
        if path not in self._ours:
            real = os.path.realpath(path)
            prefixes = (os.path.realpath(prefix) for prefix in (sys.prefix, sys.base_prefix))
            environments = [prefix for prefix in prefixes if prefix != self._real and _lies_in(prefix, self._real)]
            self._ours[path] = _lies_in(real, self._real) and not (
                any(_lies_in(real, environment) for environment in environments) or holds_packages(real)
            )
        return self._ours[path]

    def relative(self, file: str) -> str:
        """Return the path of a file relative to the folder, with slashes."""
        relative = os.path.relpath(file, self.folder)
        if relative.startswith(os.pardir):  # sys.path has its real path, while the folder was given by a symbolic link
            relative = os.path.relpath(os.path.realpath(file), self._real)
        return Path(relative).as_posix()

    def _keep(self, path: str, data: bytes) -> None:
        self.digests[self.relative(path)] = hashlib.sha256(data).hexdigest()


@cache
def holds_packages(folder: str) -> bool:
    """Return whether a folder contains installed packages or the standard library."""
    if folder in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")):
        return True
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))  # noqa: PTH208  # as in `study_modules`
    except OSError:  # it does not exist, or cannot be read
        return False


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
