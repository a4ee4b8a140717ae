"""Module loaders that pass the path and content of every file that they load to the function `keep`.

They neither read nor write .pyc files of source files: a stale .pyc file would differ from the source whose checksum is recorded.
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
"""Receives the path and the content of a loaded file."""

_extensions: dict[str, bytes] = {}
"""Digest of each compiled extension that this process has loaded. Extensions stay loaded until the process ends."""


def file_finder(folder: str, keep: Keep) -> FileFinder:
    """Create the finder of one folder of the search path."""

    def details(kind: Callable[[str, str, Keep], Any], suffixes: list[str]) -> Any:
        return lambda name, path: kind(name, path, keep), suffixes

    return FileFinder(
        folder,
        details(_Extension, EXTENSION_SUFFIXES),
        details(_Source, SOURCE_SUFFIXES),
        details(_Bytecode, BYTECODE_SUFFIXES),
    )


class _Source(SourceFileLoader):
    """Loader of a source file, which is compiled at every import."""

    def __init__(self, name: str, path: str, keep: Keep) -> None:
        super().__init__(name, path)
        self._keep = keep

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        self._keep(path, source)
        return self.source_to_code(source, path)


class _Bytecode(SourcelessFileLoader):
    """Loader of a .pyc file without a source file."""

    def __init__(self, name: str, path: str, keep: Keep) -> None:
        super().__init__(name, path)
        self._keep = keep

    def get_data(self, path: str) -> bytes:
        data = super().get_data(path)
        if path == self.path:  # otherwise a resource of a package
            self._keep(path, data)
        return data


class _Extension(ExtensionFileLoader):
    """Loader of a compiled extension."""

    def __init__(self, name: str, path: str, keep: Keep) -> None:
        super().__init__(name, path)
        self._keep = keep

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Load the extension. Raises ImportError if the file has changed since this process loaded it."""
        data = Path(self.path).read_bytes()
        digest = hashlib.sha256(data).digest()
        if _extensions.setdefault(self.path, digest) != digest:
            raise ImportError(f"{self.path} has changed, but a process can load a compiled extension only once: restart Python")
        self._keep(self.path, data)
        return super().create_module(spec)
