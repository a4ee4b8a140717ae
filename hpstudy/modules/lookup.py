"""Which file a study would import under a name, and in which folder a study without a file finds its modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from hpstudy.errors import UsageError
from hpstudy.modules.dependencies import needed_modules
from hpstudy.modules.finder import holds_packages
from hpstudy.modules.path import module_path


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


def module_folder(names: Collection[str]) -> str | None:
    """Return the folder to pass to `module_path` for modules that a study without a file names.

    Args:
        names: names of modules, such as "package.module".

    Returns:
        The first of the folders from which this process has imported the modules that is not on sys.path, where every worker finds modules
        anyway. If all are on sys.path, the first folder. If none of the modules is imported, the working directory. None if there are no
        names.

    Raises:
        UsageError: see `check_imported`.
    """
    if not names:
        return None
    folders = [_root(name, file) for name, file in _imported_files(names).items()]
    folder = next((folder for folder in folders if folder not in sys.path), folders[0] if folders else str(Path.cwd()))
    check_imported(names, folder)
    return folder


def function_folder(names: Iterable[str]) -> str:
    """Return the folder to pass to `module_path` for a function that is defined in a notebook or a script.

    Args:
        names: names of the modules that it refers to.

    Returns:
        The working directory. If none of the modules is in it, the first folder of one that is not installed, such as that of the script.

    Raises:
        UsageError: see `check_imported`.
    """
    here = str(Path.cwd())
    own = sorted(name for name in names if name.partition(".")[0] not in {*sys.stdlib_module_names, "hpstudy", "__main__"})
    files = {name: module_file(name, None) for name in own} | _imported_files(own)
    folders = {name: folder for name, file in files.items() if file and not holds_packages(folder := _root(name, file))}
    folder = here
    if folders and here not in folders.values():
        # A library that hpstudy needs can be installed from its source tree, and must not be imported again from there.
        folder = next((folder for name, folder in folders.items() if name.partition(".")[0] not in needed_modules()), here)
    check_imported(own, folder)
    return folder


def check_imported(names: Iterable[str], folder: str) -> None:
    """Check that a study in `folder` imports the same files under some names as this process has imported.

    Raises:
        UsageError: it would import another file of the same name.
    """
    for name, file in _imported_files(names).items():
        other = module_file(name, folder)
        if other and os.path.realpath(other) != os.path.realpath(file):
            raise UsageError(
                f"this process has imported {name} from {file}, but a study in {folder} would import it from {other}",
                "rename one of the two files, or use a study file next to the module",
            )


def _root(name: str, file: str) -> str:
    """Return the folder that contains the module `name` of a file, or its top-level package."""
    return str(Path(file).resolve().parents[name.count(".") + (Path(file).name == "__init__.py")])


def _imported_files(names: Iterable[str]) -> dict[str, str]:
    """Return the files of those modules that this process has imported, by name."""
    return {name: file for name in names if (file := getattr(sys.modules.get(name), "__file__", None))}


def _spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    return next((spec for finder in sys.meta_path if (spec := finder.find_spec(name, path)) is not None), None)
