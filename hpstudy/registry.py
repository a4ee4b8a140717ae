"""Tables of pluggable parts: a plain dictionary with manners.

An entry names its class as "module:Class" and is imported only when used, so that commands which train nothing start fast. A name
that has this form itself is a user's own part, and is in every table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpstudy.errors import UsageError, nearest
from hpstudy.plugins import is_plugin, load_callable


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
        return name in self._entries or (isinstance(name, str) and is_plugin(name))

    def __getitem__(self, name: str) -> Entry:
        """Raises UsageError with the nearest name when there is no such entry."""
        if is_plugin(name):
            return Entry("a user's own", name)
        if name not in self._entries:
            raise UsageError(f"no {self.kind} is called '{name}': {nearest(name, self._entries)}", self.extend)
        return self._entries[name]

    def load(self, name: str) -> Any:
        """Import and return the class of an entry. Raises PluginError when a user's own part cannot be imported."""
        return load_callable(self[name].target)
