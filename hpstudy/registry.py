"""Tables of pluggable parts: a plain dictionary with manners.

An entry names its class as "module:Class" and is imported only when used, so that commands which train nothing start fast.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpstudy.errors import UsageError, nearest


@dataclass(frozen=True)
class Entry:
    """One row of a table: what it is, in a sentence, and where its class stands ("module:Class")."""

    description: str
    target: str


class Registry:
    """Named parts of one kind.

    Args:
        kind: what an entry is, for messages: "task", "searcher", ...
        extend: how a user adds one of their own, one sentence for messages.
        entries: the built-in entries.
    """

    def __init__(self, kind: str, extend: str, entries: dict[str, Entry]) -> None:
        self.kind = kind
        self.extend = extend
        self._entries = dict(entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> Entry:
        """Raises UsageError with the nearest name when there is no such entry."""
        if name not in self._entries:
            raise UsageError(f"no {self.kind} is called '{name}': {nearest(name, self._entries)}", self.extend)
        return self._entries[name]

    def load(self, name: str) -> Any:
        """Import and return the class of an entry."""
        module, _, attribute = self[name].target.partition(":")
        return getattr(importlib.import_module(module), attribute)

    def register(self, name: str, description: str, target: str) -> None:
        """Add an entry. Raises UsageError when the name is taken."""
        if name in self._entries:
            raise UsageError(f"a {self.kind} called '{name}' is registered already ({self._entries[name].target})")
        self._entries[name] = Entry(description, target)
