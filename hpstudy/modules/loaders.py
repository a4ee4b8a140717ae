"""Loaders that give every file they load to `keep`, as its path and the bytes that were loaded.

They read no .pyc file beside a source file and write none: a stale one would be other code than the source whose checksum is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

Keep = Callable[[str, bytes], None]
"""Receives a path and the bytes that were loaded from it."""

_extensions: dict[str, bytes] = {}
"""Digest of each compiled extension that this process has loaded; it stays loaded until the process ends."""


def file_finder(folder: str, keep: Keep) -> FileFinder:
    """The finder of one folder of the search path."""

    def details(kind: Callable[[str, str, Keep], Any], suffixes: list[str]) -> Any:
        return lambda name, path: kind(name, path, keep), suffixes

    return FileFinder(
        folder,
        details(_Extension, EXTENSION_SUFFIXES),
        details(_Source, SOURCE_SUFFIXES),
        details(_Bytecode, BYTECODE_SUFFIXES),
    )


class _Source(SourceFileLoader):
    """A source file, compiled at every import."""

    def __init__(self, name: str, path: str, keep: Keep) -> None:
        super().__init__(name, path)
        self._keep = keep

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        self._keep(path, source)
        return self.source_to_code(source, path)


class _Bytecode(SourcelessFileLoader):
    """A .pyc file that stands in the place of its source."""

    def __init__(self, name: str, path: str, keep: Keep) -> None:
        super().__init__(name, path)
        self._keep = keep

    def get_data(self, path: str) -> bytes:
        data = super().get_data(path)
        if path == self.path:  # else a resource of a package
            self._keep(path, data)
        return data


class _Extension(ExtensionFileLoader):
    """A compiled extension."""

    def __init__(self, name: str, path: str, keep: Keep) -> None:
        super().__init__(name, path)
        self._keep = keep

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Raises ImportError for a file that has changed since this process loaded it."""
        data = Path(self.path).read_bytes()
        digest = hashlib.sha256(data).digest()
        if _extensions.setdefault(self.path, digest) != digest:
            raise ImportError(f"{self.path} has changed, and a process loads a compiled extension only once: start Python again")
        self._keep(self.path, data)
        return super().create_module(spec)
