"""The modules that a module imports, read from its source, so that imports within functions are included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType

CACHED_FILES = 1_000
"""Number of files whose imports a process keeps."""


def imported_by(module: ModuleType) -> frozenset[str]:
    """Return the full names that a module imports: modules, and names in them, which can be modules too. Empty without a source file."""
    file, package = getattr(module, "__file__", None), getattr(module, "__package__", None)
    if not (isinstance(file, str) and file.endswith(".py")):
        return frozenset()
    return _imports(file, package if isinstance(package, str) else "")


@lru_cache(maxsize=CACHED_FILES)
def _imports(file: str, package: str) -> frozenset[str]:
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):  # it has changed since it was imported
        return frozenset()
    return frozenset(name for node in ast.walk(tree) for name in _names(node, package))


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        try:
            base = resolve_name("." * node.level + (node.module or ""), package)
        except ImportError:  # outside a package, where Python refuses the import too
            return
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
