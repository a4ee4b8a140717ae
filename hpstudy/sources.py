"""Checksums of user code: names of its files, and the SHA-256 digests of the content that was run.

| name | file |
|---|---|
| `source of src/train.py` | a file in the study's folder |
| `source of function train` | a function passed to `hpstudy.run` in a notebook or a script (`hpstudy.tasks.notebook`) |
| `source of module my_package.train` | a module elsewhere that contains or defines a part of the study, or that the user's code imports |
| `source of train:f` | in databases of earlier versions: the file that defines this part |
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hpstudy.errors import PluginError
from hpstudy.modules import digest_of, holds_packages, imported_by, loaded_modules, loaded_sources, path_in_study
from hpstudy.plugins import is_users, load_callable

SOURCE = "source of "
MODULE = "source of module "
FUNCTION = "source of function "

WRAPPERS = 100
"""Maximum number of nested wrappers of a callable. More indicate a cycle."""

_elsewhere: dict[str, str] = {}
"""SHA-256 digests (hex) of files outside the studies' folders at their first use in this process, which runs the version imported then."""


def source_file(name: str) -> str:
    """Return the path in the study's folder that a name refers to; "" for names of other kinds."""
    is_file = name.startswith(SOURCE) and not (is_earlier(name) or name.startswith((MODULE, FUNCTION)))
    return name.removeprefix(SOURCE) if is_file else ""


def is_earlier(name: str) -> bool:
    """Return whether a name has the form of earlier versions."""
    return name.startswith(SOURCE) and ":" in name


def source_identity(use: str) -> dict[str, str]:
    """Return the checksums of a user-defined part: of the module in its name, and of the module that defines it.

    A wrapper, such as functools.partial, is defined where the innermost wrapped callable is defined. Modules without a file, modules of
    Python, and the class of an object made by another package, such as a function of torch.jit, are excluded.
    """
    target = unwrapped(load_callable(use))
    module = use.partition(":")[0]
    is_object = not inspect.isroutine(target) and not isinstance(target, type)
    name = getattr(target, "__globals__", {}).get("__name__") or getattr(
        type(target) if is_object else target, "__module__", None
    )
    defined = _of_module(name) if isinstance(name, str) and name.partition(".")[0] not in sys.stdlib_module_names else {}
    if is_object and str(name).partition(".")[0] != module.partition(".")[0]:
        defined = {key: digest for key, digest in defined.items() if source_file(key)}
    return _of_module(module) | defined


def study_sources() -> dict[str, str]:
    """Return the checksums of the files in the study's folder that this process has loaded."""
    return {SOURCE + path: digest for path, digest in loaded_sources().items()}


def user_sources(parts: Iterable[str]) -> dict[str, str]:
    """Return the checksums of all user code that this process has loaded for a study.

    Args:
        parts: the user-defined parts of the study, "module:name".
    """
    sources, parts = study_sources(), list(parts)
    for use in parts:
        if use.partition(":")[0] in sys.modules:  # otherwise its import has failed
            with suppress(PluginError):
                sources |= source_identity(use)
    return imported_sources(modules_of(parts)) | sources


def modules_of(parts: Iterable[str]) -> list[str]:
    """Return the names of the modules loaded from the study's folder, and of those with a user-defined part of the study."""
    return [*loaded_modules(), *(use.partition(":")[0] for use in parts)]


def imported_sources(names: Iterable[str]) -> dict[str, str]:
    """Return the checksums of modules outside the study's folder that are neither of Python nor installed packages.

    Args:
        names: names of modules. Modules that they import, directly or through others of these modules, are included if this process has
            loaded them.
    """
    sources: dict[str, str] = {}
    for name in _imported(names)[0]:
        sources |= {key: digest for key, digest in _of_module(name).items() if key.startswith(MODULE)}
    return sources


def imported_packages(names: Iterable[str]) -> set[str]:
    """Return the top-level names of other modules that a user's code imports, loaded or not. `names` is as in `imported_sources`."""
    return _imported(names)[1] - {"hpstudy", *sys.stdlib_module_names}


def _imported(names: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the full names of a user's loaded modules, also in the study's folder, and the top-level names of their other imports."""
    waiting, met, users, others = list(names), set[str](), set[str](), set[str]()
    while waiting:
        parts = waiting.pop().split(".")
        for end in range(1, len(parts) + 1):  # an import of a.b.c also imports a and a.b
            name = ".".join(parts[:end])
            if name in met:
                continue
            met.add(name)
            module = sys.modules.get(name)
            own_name = getattr(getattr(module, "__spec__", None), "name", name)
            if own_name != name:  # an alias in `sys.modules`, which another process need not have
                waiting.append(own_name)
            elif module is not None and _is_users(name, getattr(module, "__file__", None)):
                users.add(name)
                waiting += imported_by(module)
            else:
                others.add(parts[0])
    return users, others


def _is_users(name: str, file: object) -> bool:
    """Whether a module is in a file that is neither of Python, of hpstudy, nor in a folder of installed packages."""
    if not (isinstance(file, str) and is_users(file)) or name == "__main__":
        return False
    path = Path(file)
    return not holds_packages(str(path.parents[min(name.count(".") + (path.stem == "__init__"), len(path.parents) - 1)]))


def earlier_checksum(use: str) -> str:
    """Return the checksum that earlier versions stored for a user-defined part, of the file of its `__module__`; "" without a file."""
    name = getattr(load_callable(use), "__module__", None) or use.partition(":")[0]
    return next(iter(_of_module(name).values()), "")


def unwrapped(target: Callable[..., Any]) -> Callable[..., Any]:
    """Return the innermost callable: without functools.partial and functools.wraps, and the function of a method."""
    for _ in range(WRAPPERS):
        inner = target.func if isinstance(target, functools.partial) else getattr(target, "__func__", None)
        inner = inner or getattr(target, "__wrapped__", None)
        if not callable(inner):
            break
        target = inner
    return target


def _of_module(name: str) -> dict[str, str]:
    file = getattr(sys.modules.get(name), "__file__", None)
    if not isinstance(file, str):
        return {}
    if path := path_in_study(name, file):
        return {SOURCE + path: loaded_sources()[path]}
    if file not in _elsewhere:
        _elsewhere[file] = digest_of(Path(file))
    return {MODULE + name: _elsewhere[file]} if _elsewhere[file] else {}
