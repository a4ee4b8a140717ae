"""What is known of one database, kept up to date while a page is open.

A page consists of parts. Each has a digest of its contents: the server sends the digests, and a page fetches the parts that it lacks.
Parts come in two tiers: the progress, from a few queries, and the charts, from an analysis of all trials. A tier is computed again when
the database has changed, and not before `REST` times as long as it took has passed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpstudy.errors import HpstudyError
from hpstudy.report.interactive import text
from hpstudy.report.pens import plotly
from hpstudy.store import Owner

LOOK_S = 1.0
"""Time between two looks at a database. Shorter: looks that find nothing new. Longer: a page lags behind."""

REST = 9
"""Pause after a refresh, as a multiple of the time that it took. Smaller: pages take more than a tenth of a core from the study."""

SETTLED_S = 2.0
"""Age of the last write from which a reading has seen it: SQLite writes a transaction, waits for the disk, and only then lets others see
it. Shorter than the wait for the disk: the last trial may be missing until the next write."""

PROBLEM = "problem"
"""Name of the part that says what is wrong with the database."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """One part of a page.

    Attributes:
        body: JSON.
        digest: of the body.
    """

    body: bytes
    digest: str

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Part:
        """A part that holds `value`; numbers that are not finite are null."""
        body = json.dumps(plotly.plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        return cls(body, hashlib.sha256(body).hexdigest()[:16])


@dataclass(frozen=True)
class Reading:
    """What one look at a database gave.

    Attributes:
        parts: by name.
        owner: the process that holds the database, where the parts say whether it runs.
    """

    parts: Mapping[str, Part]
    owner: Owner | None = None


@dataclass
class Tier:
    """Parts that are computed together.

    Attributes:
        read: computes them from the database at a path.
        thread: runs `read`.
        stamp: of the database when it was read last.
        reading: what that gave.
        problem: why it could not be read, as HTML; "" when it could.
        pages: those that need the tier.
        task: keeps it up to date as long as there are any.
    """

    read: Callable[[Path], Reading]
    thread: ThreadPoolExecutor
    stamp: object = None
    reading: Reading = field(default_factory=lambda: Reading({}))
    problem: str = ""
    pages: set[asyncio.Event] = field(default_factory=set)
    task: asyncio.Task[None] | None = None


class Feed:
    """The parts of the pages about one database."""

    def __init__(self, path: Path, **tiers: tuple[Callable[[Path], Reading], ThreadPoolExecutor]) -> None:
        """Know nothing yet.

        Args:
            path: the database.
            tiers: by name, what computes parts, and the thread in which it does.
        """
        self.path = path
        self._tiers = {name: Tier(*tier) for name, tier in tiers.items()}

    @property
    def parts(self) -> dict[str, Part]:
        """All parts by name, as last read. Those of a database that can no longer be read stay."""
        parts = {name: part for tier in self._tiers.values() for name, part in tier.reading.parts.items()}
        if problems := dict.fromkeys(tier.problem for tier in self._tiers.values() if tier.problem):
            parts[PROBLEM] = Part.of({"html": "".join(problems)})
        return parts

    @contextmanager
    def followed(self, changed: asyncio.Event, tiers: Sequence[str]) -> Iterator[None]:
        """Keep some tiers up to date inside. Sets the event when any has been read again."""
        for tier in map(self._tiers.__getitem__, tiers):
            tier.pages.add(changed)
            tier.task = tier.task or asyncio.create_task(self._keep(tier))
        try:
            yield
        finally:
            for tier in map(self._tiers.__getitem__, tiers):
                tier.pages.discard(changed)
                if not tier.pages and tier.task is not None:
                    tier.task.cancel()
                    tier.task = None

    async def _keep(self, tier: Tier) -> None:
        while True:
            took_s = 0.0
            if (files := self._files(), _alive(tier.reading.owner)) != tier.stamp:
                began = time.monotonic()
                await asyncio.get_running_loop().run_in_executor(tier.thread, _refresh, tier, self.path)
                tier.stamp = None if tier.problem else (files, _alive(tier.reading.owner))
                took_s = time.monotonic() - began
                for page in tier.pages:
                    page.set()
            await asyncio.sleep(max(LOOK_S, REST * took_s))

    def _files(self) -> tuple[object, ...]:
        """Changes when the database has changed, and once more when it has settled.

        A reader leaves an empty write-ahead log for a moment, which is no change.
        """
        found = [_stat(self.path), _stat(self.path.with_name(f"{self.path.name}-wal"))]
        settled = all(time.time() - status.st_mtime > SETTLED_S for status in found if status is not None)
        return (*((status.st_size, status.st_mtime_ns, status.st_ino) if status else None for status in found), settled)


def _stat(path: Path) -> os.stat_result | None:
    """The status of a file; None for an empty one, and where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status if status.st_size else None


def _alive(owner: Owner | None) -> bool:
    return owner is not None and owner.is_alive()


def _refresh(tier: Tier, path: Path) -> None:
    """Read a tier again. When that fails, its parts stay as they are."""
    try:
        tier.reading, tier.problem = tier.read(path), ""
    except HpstudyError as error:
        hint = f' <span class="hint">{text(error.hint)}</span>' if error.hint else ""
        tier.problem = f'<p class="problem">{text(error.message)}{hint}</p>'
    except Exception as error:  # a page whose updates end without a word would show an old state as the present one
        log.exception("%s cannot be shown", path)
        told = text(f"{type(error).__name__}: {error} (an error of hpstudy; the terminal has the traceback)")
        tier.problem = f'<p class="problem">{told}</p>'
