"""Conversion of a function to and from the text that a study stores."""

from __future__ import annotations

import base64
import functools
import io
import pickle
import platform
import zlib
from collections import ChainMap
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, ClassVar

import cloudpickle

from hpstudy.errors import PluginError, text_of
from hpstudy.plugins import place_of
from hpstudy.study.blocks import Block
from hpstudy.tasks.notebook.digest import CACHED, PROTOCOL, digested, is_importable, references

MAX_BYTES = 10_000_000
"""Maximum size of a pickled function. It is sent with every trial."""

FIX = "create it inside the function, or in a module that the function imports"
"""Hint for a value that cannot be pickled with the function, or is too large."""


class PickledFunction(Block):
    """A function that is defined in a notebook or a script. `hpstudy.run` creates it; study files do not contain any."""

    name: str
    """Name of the function."""
    source: str
    """Source of the function and of the functions that it refers to."""
    digest: str
    """SHA-256 digest (hex) of the function (`hpstudy.tasks.notebook.digest`)."""
    python: str
    """Version of Python, such as 3.11. Other versions cannot load the function."""
    cloudpickle: str
    """Version of cloudpickle."""
    data: str
    """The pickle, compressed with zlib, in base64."""

    def load(self) -> Callable[..., Any]:
        """Return a copy of the function.

        Raises:
            PluginError: it was pickled by another version of Python, or cannot be loaded.
        """
        if self.python != _python():
            raise PluginError(
                f"the function '{self.name}' was stored by Python {self.python} and cannot be loaded by Python {_python()}",
                f"use Python {self.python}, or run the notebook again with another storage",
            )
        try:
            return pickle.loads(zlib.decompress(base64.b64decode(self.data)))  # type: ignore[no-any-return]
        except ModuleNotFoundError as error:
            raise PluginError(
                f"the function '{self.name}' needs the module '{error.name}', which is not found here",
                "install it, or put it in the folder in which the study was started",
            ) from error
        except Exception as error:  # loading imports the user's modules, which can raise any exception
            raise PluginError(
                f"the function '{self.name}', stored by cloudpickle {self.cloudpickle}, cannot be loaded by cloudpickle "
                f"{cloudpickle.__version__}: {type(error).__name__}: {text_of(error)} ({place_of(error)})",
                "use the versions of the session that stored it, or run the notebook again",
            ) from error


def pickled(function: object) -> PickledFunction:
    """Return a function in the form that a study stores.

    Args:
        function: a function that is defined with `def`.

    Raises:
        PluginError: it is not such a function, refers to a value that cannot be pickled, or to more than `MAX_BYTES` of data.
    """
    if not isinstance(function, FunctionType) or function.__name__ == "<lambda>":
        kind = "a lambda" if isinstance(function, FunctionType) else f"this object of type {type(function).__name__}"
        raise PluginError(
            f"the task must be a function defined with def, a class in a module, or text: {kind} has no source of its own",
            "define it as: def my_function(params, seed): ... return a number, or a dict of metrics",
        )
    name = function.__name__
    try:
        data = _dumps(function)
        identified = digested(function)
    except Exception as error:  # pickling calls methods of the user's objects, which can raise any exception
        raise PluginError(
            f"the function '{name}' cannot be sent to worker processes{_culprit(function)}: {type(error).__name__}: {text_of(error)}",
            FIX,
        ) from error
    if len(data) > MAX_BYTES:
        raise PluginError(
            f"the function '{name}' takes {len(data) / 1e6:,.0f} MB with it ({_largest(function)}), more than {MAX_BYTES / 1e6:.0f} MB",
            FIX,
        )
    return PickledFunction(
        name=name,
        source=identified.source,
        digest=identified.digest,
        python=_python(),
        cloudpickle=cloudpickle.__version__,
        data=base64.b64encode(zlib.compress(data)).decode(),
    )


def cached(function: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    """Return a function with an empty cache. Stored pickles refer to this function by its name."""
    return functools.lru_cache(**parameters)(function)


def _reduced(value: Any) -> Any:
    return value.__qualname__ if is_importable(value) else (cached, (value.__wrapped__, value.cache_parameters()))


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """A pickler that writes a function with a cache in full."""

    dispatch_table: ClassVar[Any] = ChainMap({CACHED: _reduced}, cloudpickle.Pickler.dispatch_table)


def _dumps(value: object) -> bytes:
    file = io.BytesIO()
    _Pickler(file, PROTOCOL).dump(value)
    return file.getvalue()


def imported_name(part: object) -> str:
    """Return the name "module:name" of a function or class that a worker can import; "" for any other."""
    if not isinstance(part, FunctionType | type) or "." in part.__qualname__ or not is_importable(part):
        return ""
    return f"{part.__module__}:{part.__qualname__}"


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def _culprit(function: FunctionType) -> str:
    """Return which value of a function cannot be pickled, as a clause; "" if that is not known."""
    for name, value in references(function).items():
        try:
            _dumps(value)
        except Exception:  # a value can raise any exception when it is pickled
            return f", because it refers to '{name}'"
    return ""


def _largest(function: FunctionType) -> str:
    sizes = {name: len(_dumps(value)) for name, value in references(function).items()}
    name = max(sizes, key=lambda name: sizes[name])
    return f"'{name}' {sizes[name] / 1e6:,.0f} MB"
