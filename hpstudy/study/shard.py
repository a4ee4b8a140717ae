"""Shards: parts of a study that run separately, each in its own database, and are merged afterwards.

A shard contains whole replicates with all their views, controls and confirmations, so that pairs stay together. Replicates, or groups of
them that run in lockstep, are distributed in turn, so a study that grows only adds to its shards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hpstudy.errors import UsageError
from hpstudy.study.schema import MOST_REPLICATES, Study

MOST_SHARDS = MOST_REPLICATES
"""Maximum shards."""

LISTED = 20
"""Maximum replicates listed in a message."""


@dataclass(frozen=True)
class Shard:
    """One of `of` shards of a study; `index` counts from 0."""

    index: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard given as "INDEX/NUMBER", such as "0/3". Raises UsageError for anything else."""
        match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
        index, of = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= of <= MOST_SHARDS or index >= of:
            raise UsageError(
                f"'{text}' is not a shard", f"shards are 0/3, 1/3 and 2/3 for instance; there are at most {MOST_SHARDS:,}"
            )
        return cls(index, of)

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"

    def holds(self, study: Study, replicate: int) -> bool:
        """Whether a replicate of the study belongs to the shard."""
        return replicate // study.search.lockstep % self.of == self.index

    def replicates(self, study: Study) -> tuple[int, ...]:
        """The replicates of the study that belong to the shard."""
        return tuple(replicate for replicate in range(study.replicates) if self.holds(study, replicate))

    def storage(self, storage: Path) -> Path:
        """The shard's database, given that of the whole study: runs/audio.sqlite -> runs/audio.shard-0-of-3.sqlite."""
        suffix = f".shard-{self.index}-of-{self.of}"
        return storage if storage.stem.endswith(suffix) else storage.with_name(f"{storage.stem}{suffix}{storage.suffix}")


def replicates_in_words(replicates: Sequence[int]) -> str:
    """Replicates by number; if there are many, only the first ones."""
    shown = ", ".join(map(str, replicates[:LISTED])) + (", ..." if len(replicates) > LISTED else "")
    return f"replicate{'s' if len(replicates) != 1 else ''} {shown}"
