"""Registries of pluggable parts: dictionaries with descriptions, lazy imports and suggestions for misspelled names.

An entry refers to its class as "module:Class" and is imported only when it is used, so that commands without training start fast. A name
of this form is a user-defined part, which is valid in every registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpstudy.errors import UsageError, nearest
from hpstudy.plugins import is_plugin, load_callable


@dataclass(frozen=True)
class Entry:
    """An entry of a registry: a description, and the class as "module:Class"."""

    description: str
    target: str


class Registry:
    """Named parts of one kind.

    Args:
        kind: kind of the parts, for messages: "task", "searcher", ...
        extend: how to use your own part, for messages.
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
        """Return an entry. Raises UsageError with the nearest name if there is none."""
        if is_plugin(name):
            return Entry("user-defined", name)
        if name not in self._entries:
            raise UsageError(f"no {self.kind} is called '{name}': {nearest(name, self._entries)}", self.extend)
        return self._entries[name]

    def load(self, name: str) -> Any:
        """Import and return the class of an entry. Raises PluginError if a user-defined part cannot be imported."""
        return load_callable(self[name].target)
