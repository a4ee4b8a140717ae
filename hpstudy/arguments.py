"""Checks the arguments of public functions by their annotations, so that a wrong type is one message before any work."""

from __future__ import annotations

import functools
import inspect
import math
import operator
import reprlib
from collections.abc import Callable, Iterable
from numbers import Real
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from hpstudy.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Check the arguments of a function whose annotation, without "| None", is in `KINDS`. Scalars of NumPy become those of Python.

    Raises:
        UsageError: when the function is called with an argument of another kind.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            arguments = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # raises it with the name of the function
        for name, value in arguments.arguments.items():
            annotation = str(signature.parameters[name].annotation)
            kind = annotation.removesuffix(" | None")
            if kind in KINDS and not (value is None and kind != annotation):
                arguments.arguments[name] = _accepted(name, value, kind)
        return function(*arguments.args, **arguments.kwargs)

    return call


def _accepted(name: str, value: object, kind: str) -> object:
    words, convert = KINDS[kind]
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{name} must be {words}, not {' '.join(reprlib.repr(value).split())}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _truth(value: Any) -> bool:
    if type(value).__name__ not in ("bool", "bool_"):  # bool_ is that of NumPy before version 2
        raise TypeError
    return bool(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    return operator.index(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _path(value: Any) -> str | Path:
    path = value if isinstance(value, str) else Path(value)
    if not str(path) or "\0" in str(path):
        raise ValueError
    return path


def _several(convert: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def converted(value: Any) -> tuple[Any, ...]:
        return tuple(map(convert, value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]))

    return converted


def _function(value: Any) -> Any:
    if not callable(value):
        raise TypeError
    return value


def _instance(of: str) -> Callable[[Any], Any]:
    """Accept an object of the class with this name, which is not imported for the check."""

    def converted(value: Any) -> Any:
        if of not in {each.__name__ for each in type(value).__mro__}:
            raise TypeError
        return value

    return converted


KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "str": ("text", _text),
    "bool": ("True or False", _truth),
    "int": ("a whole number", _whole),
    "float": ("a finite number", _number),
    "str | Path": ("a path", _path),
    "str | Path | Sequence[str | Path]": ("a path or a list of paths", _several(_path)),
    "Sequence[str]": ("a list of text", _several(_text)),
    "Sequence[int]": ("a list of whole numbers", _several(_whole)),
    "Observer": ("an hpstudy.Observer, such as hpstudy.progress_for()", _instance("Observer")),
    "Callable[[str], None]": ("a function", _function),
}
"""Kinds of arguments by their annotation: a description, and a function that converts a value or raises an error."""
