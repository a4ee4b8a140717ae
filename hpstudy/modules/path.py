"""The user's own modules: found in the folder of the study file first, in every process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_imported: dict[str, str] = {}
"""Modules of this process that came from a study's folder: name -> folder."""


@contextmanager
def module_path(folder: str | None) -> Iterator[None]:
    """Look for modules in `folder` before anywhere else, while the body runs.

    Modules that were imported from the folder of another study are forgotten first: two studies may each have a `train.py`.

    Args:
        folder: an absolute path; None for a study that came from no file.
    """
    if folder is None:
        yield
        return
    for name in [name for name, origin in _imported.items() if origin != folder]:
        del _imported[name]
        sys.modules.pop(name, None)
    before = set(sys.modules)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
        _imported.update(dict.fromkeys(_new_modules(before, folder), folder))


def module_folder(names: Iterable[str]) -> str | None:
    """The folder to pass to `module_path` for modules that a caller imported, or loaded with a study.

    Args:
        names: of modules, such as "package.module".

    Returns:
        The first of their folders that is not on sys.path, where every worker finds modules anyway; without such a folder the first of
        all; the working directory when none of the modules is imported; None when there are no names.
    """
    names = list(names)
    files = [(name, file) for name in names if (file := getattr(sys.modules.get(name), "__file__", None))]
    folders = [str(Path(file).resolve().parents[name.count(".") + (Path(file).name == "__init__.py")]) for name, file in files]
    if not folders:
        return str(Path.cwd()) if names else None
    return next((folder for folder in folders if folder not in sys.path), folders[0])


def _new_modules(before: set[str], folder: str) -> Iterator[str]:
    """Modules imported since `before` that stand in `folder`: `folder/name.py`, or in a package `folder/name/`."""
    for name in set(sys.modules) - before:
        top = name.partition(".")[0]
        file = getattr(sys.modules.get(top), "__file__", None)
        if top not in before and file and Path(folder) in list(Path(file).parents)[:2]:
            yield name
