"""The modules that a module or a script imports, read from its source, so that imports within functions are included."""

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


def imported_files(folder: Path, script: str) -> set[str]:
    """Return the files in a folder that a script imports, directly or through each other, as paths relative to the folder.

    Args:
        folder: the folder that Python searches first for the script's modules.
        script: the script's path in the folder.
    """
    waiting, found = [script], set[str]()
    while waiting:
        path = waiting.pop()
        package = ".".join(Path(path).parent.parts)
        for name in _imports(str(folder / path), package):
            parts = name.split(".")
            stems = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))  # an import of a.b also imports a
            files = (file for stem in stems for file in (f"{stem}.py", f"{stem}/__init__.py"))
            new = {file for file in files if file not in found and (folder / file).is_file()}
            found |= new
            waiting += new
    return found


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
