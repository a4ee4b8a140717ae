"""Safe reading of untrusted pickled arrays.

A pickle can call any importable function. This reader replaces the few names that pickled numpy arrays use by stand-ins that only collect
shape, type and bytes; any other name is an error. The pickle can reach neither numpy nor the import system. Integers, bytes, text, lists,
tuples and dictionaries need no names.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLAIN_NUMBERS = re.compile(r"[iu][1248]")
"""Integer types in numpy's notation."""

MEMO = 1 << 20
"""Maximum memo index in a pickle. Python allocates memory up to the largest index, so that one false index could exhaust the memory."""


class ForbiddenName(pickle.UnpicklingError):
    """A pickle refers to a name that arrays do not need."""


class _Type:
    """Stand-in for numpy.dtype."""

    __slots__ = ("code", "order")

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = _text(state[1])

    def real(self) -> np.dtype[Any]:
        if not PLAIN_NUMBERS.fullmatch(self.code) or self.order not in ("|", "<", ">", "="):
            raise ValueError(f"arrays of type '{self.order}{self.code}' are not supported")
        return np.dtype(self.order + self.code)


class _Array:
    """Stand-in for numpy.ndarray. `value` is the array after its bytes have been read."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: NDArray[Any] = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, content = state
        self.fill(content, kind, shape, "F" if by_columns else "C")

    def fill(self, content: bytes, kind: _Type, shape: tuple[int, ...], order: str) -> None:
        flat = np.frombuffer(bytes(content), dtype=kind.real())
        self.value = flat.reshape(shape, order="F" if order == "F" else "C")


class _Name:
    """Stand-in for a class or function. Without slots, also in subclasses, a pickle cannot set attributes of it."""

    __slots__ = ()


class _Reconstruct(_Name):
    __slots__ = ()

    def __call__(self, kind: object, shape: object, code: object) -> _Array:
        return _Array()


class _FromBuffer(_Name):
    __slots__ = ()

    def __call__(self, content: bytes, kind: _Type, shape: tuple[int, ...], order: object = "C") -> _Array:
        array = _Array()
        array.fill(content, kind, shape, _text(order))
        return array


class _DType(_Name):
    __slots__ = ()

    def __call__(self, code: object, align: object = False, copy: object = True) -> _Type:
        return _Type(_text(code))


class _Encode(_Name):
    """Stand-in for `_codecs.encode`, with which Python 3 writes bytes in pickles of protocol 2."""

    __slots__ = ()

    def __call__(self, text: str, encoding: object) -> bytes:
        if _text(encoding) not in ("latin1", "latin-1"):
            raise ValueError(f"bytes in the encoding {encoding!r} are not supported")
        return text.encode("latin-1")


class _Bytes(_Name):
    __slots__ = ()

    def __call__(self) -> bytes:
        return b""


NAMES: dict[tuple[str, str], type[_Name]] = {
    ("numpy", "ndarray"): _Name,
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _Reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _Reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _FromBuffer,
    ("numpy._core.numeric", "_frombuffer"): _FromBuffer,
    ("_codecs", "encode"): _Encode,
    ("__builtin__", "bytes"): _Bytes,
    ("builtins", "bytes"): _Bytes,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (stand_in := NAMES.get((module, name))) is None:
            raise ForbiddenName(f"refers to {module}.{name}, which arrays do not need")
        return stand_in()


def read_pickled(path: Path) -> dict[str, Any]:
    """Read a pickled dictionary of arrays and plain values, for instance a CIFAR batch, from Python 2 or 3 in any protocol.

    Args:
        path: the file.

    Returns:
        The dictionary, with keys as text. Integer arrays at the top level are read-only numpy arrays; text from Python 2 is bytes.

    Raises:
        ValueError: the file is invalid; the message is the reason.
    """
    try:
        packed = path.read_bytes()
        _check_memo(packed)
        content = _Reader(io.BytesIO(packed), encoding="bytes").load()
    except ForbiddenName as error:
        raise ValueError(str(error)) from error
    except Exception as error:  # the unpickler can raise any exception for a damaged pickle
        raise ValueError(f"unreadable: {str(error) or type(error).__name__}") from error
    if not isinstance(content, dict) or not all(isinstance(key, str | bytes) for key in content):
        raise ValueError("is not a dictionary of named values")
    return {_text(key): value.value if isinstance(value, _Array) else value for key, value in content.items()}


def _check_memo(packed: bytes) -> None:
    """Raise ValueError if a memo index is not below MEMO, or if the bytes are not a pickle."""
    for operation, argument, _ in pickletools.genops(packed):
        if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and not 0 <= (argument or 0) < MEMO:
            raise ValueError(f"the memo index {argument} is too large")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__} instead of text")
    return value
