"""The modules that a process has loaded from a study's folder."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from importlib.machinery import PathFinder, all_suffixes
from pathlib import Path
from types import ModuleType

from hpstudy.modules.finder import StudyFinder, holds_packages

SUFFIXES = tuple(all_suffixes())
"""Suffixes of the files of modules: of sources, bytecode and compiled extensions."""


class StudyModules:
    """The modules that this process has loaded from a study's folder. They are in sys.modules only while they are installed.

    If their code changes the working folder, as with os.chdir, it is changed while they are installed only.

    Args:
        folder: absolute path.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.finder = StudyFinder(folder)
        self._own: dict[str, ModuleType] = {}
        self._others: dict[str, ModuleType] = {}
        self._extended_path = False
        self._working_folder = self._working_folder_of_others = ""

    def install(self) -> None:
        """Make the modules importable. They replace other modules with the same names."""
        sys.meta_path.insert(0, self.finder)
        # Processes that a trial starts with multiprocessing or joblib inherit the path, but not the finder.
        index = self._path_index()
        if self.folder not in sys.path[:index]:
            sys.path.insert(index, self.folder)
            self._extended_path = True
        self._others = {name: sys.modules.pop(name) for name in self._hidden_by_folder()}
        sys.modules.update(self._own)
        self._working_folder_of_others = _change_folder(self._working_folder)

    def remove(self) -> None:
        """Undo `install`."""
        with suppress(ValueError):  # user code could have removed them
            sys.meta_path.remove(self.finder)
            if self._extended_path:
                self._extended_path = False
                sys.path.remove(self.folder)  # the first occurrence is that of `install`
        self._own = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in self.finder.names}
        for name in self._own:
            del sys.modules[name]
        sys.modules.update(self._others)
        self._others = {}
        left = _change_folder(self._working_folder_of_others)
        self._working_folder = left if left != self._working_folder_of_others else ""

    def changed(self) -> bool:
        """Return whether a file has changed since it was loaded."""
        return any(digest != digest_of(Path(self.folder, path)) for path, digest in self.finder.digests.items())

    def possible_names(self) -> set[str]:
        """Return the possible top-level names of modules in the folder and its subfolders on sys.path."""
        return {name for folder in self.finder.search_folders() for name in _possible_names(folder)}

    def search_path(self) -> list[str]:
        """Return sys.path without the entry that `install` has added."""
        path = [str(entry) for entry in sys.path]
        if self._extended_path and self.folder in path:  # user code could have removed it
            path.remove(self.folder)
        return path

    def _path_index(self) -> int:
        """Return the index on sys.path at which the folder comes before every other folder with a module that it has too.

        Folders of installed packages do not count, because a module with the name of a library must not replace it.
        """
        names = _possible_names(self.folder)
        for index, entry in enumerate(map(os.path.abspath, sys.path)):
            if entry == self.folder or holds_packages(entry):
                continue
            if any(PathFinder.find_spec(name, [entry]) and self._finds(name) for name in names):
                return index
        return len(sys.path)

    def _hidden_by_folder(self) -> list[str]:
        """Return modules in sys.modules that were imported from elsewhere, and that an import would now find in the folder."""
        hidden = {name for name in self.possible_names() & sys.modules.keys() if self._finds(name)}
        return [name for name in sys.modules if name.partition(".")[0] in hidden] if hidden else []

    def _finds(self, name: str) -> bool:
        """Return whether an import of this top-level name finds a module in the folder."""
        return self.finder.find_spec(name) is not None and name in self.finder.names


def _possible_names(folder: str) -> set[str]:
    """Return the names of the folders, and of the files with a suffix of modules."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  # faster than Path.iterdir, which matters in every step
    except OSError:
        return set()
    return {name.partition(".")[0] for name in names if "." not in name or name.endswith(SUFFIXES)} - {""}


def _change_folder(folder: str) -> str:
    """Change the working folder, unless `folder` is "" or cannot be entered. Returns the former one; "" if it does not exist."""
    before = ""
    with suppress(OSError):
        before = str(Path.cwd())
    if folder not in ("", before):
        with suppress(OSError):
            os.chdir(folder)
    return before


def digest_of(file: Path) -> str:
    """Return the SHA-256 digest (hex) of a file; "" if it is not a readable regular file."""
    try:
        if not file.is_file():  # a pipe or a device could be endless
            return ""
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""
