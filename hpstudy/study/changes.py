"""How two studies differ in what can change a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hpstudy.errors import StudyChanged
from hpstudy.study.schema import Study

ABSENT = "(absent)"


def changes(old: Study, new: Study) -> list[str]:
    """A line for every determinant that differs, and for a size that would shrink: "views.a.space.x.high: 10.0 -> 1.0".

    Empty when trials of `old` are trials of `new`: then more replicates and trials may be added.
    """
    lines = list(_differences((), old.determinants(), new.determinants()))
    for name, before, after in (
        ("replicates", old.replicates, new.replicates),
        ("search.trials", old.search.trials, new.search.trials),
    ):
        if after < before:
            lines.append(f"{name}: {before} -> {after} (may grow, not shrink)")
    return lines


def refuse_changes(stored: Study, asked: Study, storage: Path) -> None:
    """Raises StudyChanged, with every changed key, when trials of the study in `storage` are not trials of `asked`."""
    if lines := changes(stored, asked):
        raise StudyChanged(
            f"the study is not the one in {storage}:\n" + "\n".join(f"  {line}" for line in lines),
            "undo the change, or give the changed study another name or another --storage",
        )


def _differences(key: tuple[str, ...], old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _differences((*key, name), old.get(name, ABSENT), new.get(name, ABSENT))
    elif old != new:
        yield f"{'.'.join(key)}: {old} -> {new}"
