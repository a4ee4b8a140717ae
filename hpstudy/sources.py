"""Checksums of a user's code: a name for each of its files, and the SHA-256 of what was run.

| name | of |
|---|---|
| `source of src/train.py` | a file in the folder of the study |
| `source of function train` | a function that was given to `hpstudy.run` in a notebook or a script (`hpstudy.tasks.notebook`) |
| `source of module my_package.train` | a module elsewhere that a part of the study is named after, or is defined in |
| `source of train:f` | in a database of an earlier version: the file in which this part is defined |
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
from hpstudy.modules import digest_of, loaded_sources, path_in_study
from hpstudy.plugins import load_callable

SOURCE = "source of "
MODULE = "source of module "
FUNCTION = "source of function "

WRAPPERS = 100
"""Wrappers of one callable that are looked through. More are a circle."""

_elsewhere: dict[str, str] = {}
"""SHA-256 (hex) of files outside the studies' folders, as they were when this process first asked. It runs what it imported then."""


def source_file(name: str) -> str:
    """The path in the study's folder that a name refers to; "" for names of other kinds."""
    is_file = name.startswith(SOURCE) and not (is_earlier(name) or name.startswith((MODULE, FUNCTION)))
    return name.removeprefix(SOURCE) if is_file else ""


def is_earlier(name: str) -> bool:
    """Whether a name is one of earlier versions."""
    return name.startswith(SOURCE) and ":" in name


def source_identity(use: str) -> dict[str, str]:
    """Checksums of the files of a user's part: that of the module that it is named after, and that in which it is defined.

    A part that wraps another one, such as functools.partial, is defined where the innermost one is. Left out are modules without a
    file, Python's own, and the class of an object that another package made, such as a function of torch.jit.
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


def user_sources(parts: Iterable[str]) -> dict[str, str]:
    """Checksums of all user code that this process has loaded for a study.

    Args:
        parts: the study's own parts, "module:name".
    """
    sources = {SOURCE + path: digest for path, digest in loaded_sources().items()}
    for use in parts:
        if use.partition(":")[0] in sys.modules:  # else its import failed
            with suppress(PluginError):
                sources |= source_identity(use)
    return sources


def earlier_checksum(use: str) -> str:
    """The checksum that earlier versions kept for a user's part: of the file of its `__module__`; "" where it has none."""
    name = getattr(load_callable(use), "__module__", None) or use.partition(":")[0]
    return next(iter(_of_module(name).values()), "")


def unwrapped(target: Callable[..., Any]) -> Callable[..., Any]:
    """What runs in the end: without functools.partial and functools.wraps, and the function of a method."""
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
