"""Digests of functions that workers cannot import from a module. They cover the source and all referenced values.

The pickle of a function cannot serve as its identity: it contains file names and line numbers, and depends on the identity of strings.
"""

from __future__ import annotations
import __future__

import ast
import dis
import functools
import hashlib
import inspect
import io
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import cloudpickle

PROTOCOL = 5
"""Protocol version of pickle. Another version would change every digest."""

HEAP_TYPE = 1 << 9
"""Flag of classes that are created by Python code."""

ANNOTATIONS = __future__.annotations.compiler_flag
"""Flag of code compiled after `from __future__ import annotations`, which a notebook applies to all later cells."""

CACHED = type(functools.lru_cache(len))
"""Type of functions with `functools.cache` or `functools.lru_cache`. Pickle writes only their name."""

OF_CLASSES = (
    *("__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__", "_abc_impl"),
    *("__annotations__", "__annotate_func__", "__annotations_cache__"),
)
"""Members of a class that are not part of its code, or appear when its annotations are read."""


class Digested(NamedTuple):
    """What identifies a function.

    Attributes:
        digest: SHA-256 digest (hex).
        source: its source, with that of the functions that it refers to.
        modules: names of the modules that it refers to or imports, in any order.
    """

    digest: str
    source: str
    modules: frozenset[str]


def digested(function: FunctionType) -> Digested:
    """Return what identifies a function.

    The digest covers defaults, attributes, and the values of closures and global names that the code reads. Modules and importable objects
    are covered by name. The source of a lambda, of a function typed into `python`, or of a file that has changed since Python compiled it,
    is not available: the digest covers the compiled code.
    """
    try:
        return _digested(function, fast=True)
    except (ValueError, RecursionError):  # a value that refers to itself
        return _digested(function, fast=False)


def references(function: FunctionType) -> dict[str, Any]:
    """Return the values of the closure and the global names that a function refers to, by name."""
    values = {
        name: function.__globals__[name]
        for name in sorted(set(_names_in(function.__code__, "LOAD_GLOBAL", "LOAD_NAME")))
        if name in function.__globals__
    }
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            values[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return values


def is_importable(value: Any) -> bool:
    """Return whether a worker can import a function or a class from its module."""
    module = getattr(value, "__module__", None)
    imported: Any = sys.modules.get(module) if module not in (None, "__main__") else None
    for part in value.__qualname__.split("."):
        imported = getattr(imported, part, None)
    return imported is value


class _Digester(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """A pickler that writes equal bytes for equal values, in every process.

    Args:
        file: receives the bytes.
        fast: write every value in full, so that the bytes do not depend on object identity.

    Attributes:
        sources: sources of the functions processed so far.
        modules: names of the modules that the values processed so far refer to or import.
    """

    def __init__(self, file: io.BytesIO, *, fast: bool) -> None:
        super().__init__(file, PROTOCOL)
        self.fast = fast
        self.sources: list[str] = []
        self.modules: set[str] = set()
        self._met: dict[int, int] = {}

    def persistent_id(self, value: Any) -> Any:
        """Return what is written instead of a value; None to write the value itself."""
        if isinstance(value, ModuleType):
            self.modules.add(value.__name__)
            return "module", value.__name__
        if isinstance(value, CACHED) and not is_importable(value):
            return "cached", value.__wrapped__
        if isinstance(value, set | frozenset):
            return "set", sorted(map(self._bytes_of, value))
        is_class = isinstance(value, type) and value.__flags__ & HEAP_TYPE
        if not (isinstance(value, FunctionType) or is_class):
            return None
        if is_importable(value):
            self.modules.add(value.__module__)
            return None
        if id(value) in self._met:
            return "met", self._met[id(value)]
        self._met[id(value)] = len(self._met)
        return self._of_function(value) if isinstance(value, FunctionType) else _of_class(value)

    def _bytes_of(self, item: Any) -> bytes:
        inner = _Digester(file := io.BytesIO(), fast=self.fast)
        inner.dump(item)
        self.modules |= inner.modules
        return file.getvalue()

    def _of_function(self, function: FunctionType) -> Any:
        source = _source(function.__code__)
        if source:
            self.sources.append(source)
        self.modules.update(_names_in(function.__code__, "IMPORT_NAME"))
        code = source or _of_code(function.__code__)
        # A decorator refers to the function that it wraps by its closure as well.
        attributes = {name: value for name, value in sorted(vars(function).items()) if name != "__wrapped__"}
        parts = (code, function.__defaults__, function.__kwdefaults__, references(function))
        return ("function", *parts, attributes) if attributes else ("function", *parts)


def _digested(function: FunctionType, *, fast: bool) -> Digested:
    file = io.BytesIO()
    digester = _Digester(file, fast=fast)
    digester.dump(function)
    return Digested(hashlib.sha256(file.getvalue()).hexdigest(), "\n\n".join(digester.sources), frozenset(digester.modules))


def _of_class(kind: type) -> Any:
    members = {name: value for name, value in vars(kind).items() if name not in OF_CLASSES}
    with suppress(Exception):  # Python 3.14 evaluates annotations when they are read
        if annotations := inspect.get_annotations(kind):
            members["__annotations__"] = annotations
    return "class", kind.__qualname__, kind.__bases__, dict(sorted(members.items()))


def _of_code(code: CodeType) -> Any:
    constants = tuple(_of_code(value) if isinstance(value, CodeType) else value for value in code.co_consts)
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants


def _source(code: CodeType) -> str:
    """Return the source of a function; "" for a lambda, or if it is not available."""
    if code.co_name == "<lambda>":
        return ""
    try:
        source = textwrap.dedent(inspect.getsource(code))
        lines, _ = inspect.findsource(code)
        # Python reads the file again, which can have changed since the code was compiled.
        return source if code in _compiled("".join(lines), code.co_flags & ANNOTATIONS) else ""
    except (OSError, TypeError, IndexError, SyntaxError, ValueError):
        return ""


@functools.lru_cache(maxsize=16)
def _compiled(text: str, flags: int) -> frozenset[CodeType]:
    """Return the code of all functions in the text of a file or a cell."""
    found, waiting = set[CodeType](), [compile(text, "", "exec", flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)]
    while waiting:
        inner = [value for value in waiting.pop().co_consts if isinstance(value, CodeType)]
        found.update(inner)
        waiting += inner
    return frozenset(found)


def _names_in(code: CodeType, *operations: str) -> Iterator[str]:
    """Yield the names that code uses with some operations of the interpreter, including its inner functions."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in operations:
            yield instruction.argval
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _names_in(value, *operations)
