"""User-defined parts (tasks, methods, searchers, executors), given as "my_module:name"."""

from __future__ import annotations

import importlib
import os
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hpstudy.errors import HpstudyError, PluginError, nearest, text_of
from hpstudy.modules import passed_over

PACKAGE = Path(__file__).parent
"""Folder of hpstudy."""

LIBRARIES = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))
"""Folders of the standard library and of installed libraries."""


def is_plugin(name: str) -> bool:
    """Return whether `name` refers to a user-defined part."""
    return ":" in name


def module_name(use: str) -> str:
    """Return the module of a user-defined part."""
    return use.partition(":")[0]


def load_callable(use: str) -> Callable[..., Any]:
    """Import the callable "module:attribute".

    Raises:
        PluginError: the import fails (the message has the file and line), or there is no such callable (it has the nearest name).
    """
    name, _, attribute = use.partition(":")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and name.split(".")[0] == error.name.split(".")[0]:
            raise PluginError(
                f"there is no module '{name}' for '{use}'",
                passed_over(name) or "put it next to the study file, install it, or add its folder to PYTHONPATH",
            ) from error
        raise PluginError(
            f"module '{name}' needs the module '{error.name}', which is not installed",
            "install the package that provides it; the names of package and module can differ",
        ) from error
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        raise PluginError(
            f"importing '{name}' for '{use}' ends the program: SystemExit: {text_of(error)} ({place_of(error)})",
            "put the code of the script, such as argparse and sys.exit, under: if __name__ == '__main__':",
        ) from error
    except BaseException as error:  # a user's module can raise any exception
        mistaken = passed_over() if isinstance(error, AttributeError | ImportError) else ""
        raise PluginError(
            f"importing '{name}' for '{use}' failed: {type(error).__name__}: {text_of(error)} ({place_of(error)})",
            mistaken or f"run: python -c 'import {name}'",
        ) from error
    target = getattr(module, attribute, None)
    if not callable(target):
        public: Sequence[str] = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise PluginError(f"module '{name}' has no function '{attribute}': {nearest(attribute, public)}", passed_over(name))
    return target  # type: ignore[no-any-return]


@contextmanager
def methods_of(use: str) -> Iterator[None]:
    """Report an exception that a method of a user-defined part raises within the block, with its file and line.

    Args:
        use: name of the part. Exceptions of a built-in part pass.

    Raises:
        PluginError: the method raised an exception that is not of hpstudy.
    """
    try:
        yield
    except HpstudyError:
        raise
    except (Exception, SystemExit) as error:  # a method of a user's class can raise any exception
        if not is_plugin(use):
            raise
        raise PluginError(
            f"a method of '{use}' failed, or its result cannot be used: {type(error).__name__}: {text_of(error)} ({place_of(error)})",
            "test it with its contract suite in hpstudy.testing",
        ) from error


def place_of(error: BaseException) -> str:
    """Return the file and line where user code raised `error`, or called the code that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((frame for frame in reversed(frames) if is_users(frame.filename)), frames[-1])
    return f"{frame.filename}:{frame.lineno}"


def is_users(filename: str) -> bool:
    """Return whether the file of a frame is a user's: outside the standard library, installed libraries and hpstudy."""
    return not (in_library(filename) or Path(filename).is_relative_to(PACKAGE))


def in_library(filename: str) -> bool:
    """Return whether the file of a frame is in the standard library or an installed library other than hpstudy."""
    return filename.startswith((*LIBRARIES, "<")) and not Path(filename).is_relative_to(PACKAGE)
