"""Functions that are defined as a notebook defines them: in `__main__`, with a source that Python can show."""

from __future__ import annotations

import linecache
import textwrap
from itertools import count
from typing import Any

_numbers = count(1)


def run_cell(source: str, namespace: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run source as a cell of a notebook.

    Args:
        source: of the cell.
        namespace: that of the cells before; a new notebook when None.

    Returns:
        The namespace.
    """
    source = textwrap.dedent(source)
    file = f"<cell {next(_numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = {"__name__": "__main__"} if namespace is None else namespace
    exec(compile(source, file, "exec", dont_inherit=True), namespace)
    return namespace
