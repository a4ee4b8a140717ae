"""Which file a study would import under a name, and in which folder a study without a file finds its modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from hpstudy.errors import UsageError
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
    folders = [
        str(Path(file).resolve().parents[name.count(".") + (Path(file).name == "__init__.py")])
        for name, file in _imported_files(names).items()
    ]
    folder = next((folder for folder in folders if folder not in sys.path), folders[0] if folders else str(Path.cwd()))
    check_imported(names, folder)
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


def _imported_files(names: Iterable[str]) -> dict[str, str]:
    """Return the files of those modules that this process has imported, by name."""
    return {name: file for name in names if (file := getattr(sys.modules.get(name), "__file__", None))}


def _spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    return next((spec for finder in sys.meta_path if (spec := finder.find_spec(name, path)) is not None), None)
