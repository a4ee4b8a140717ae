"""The parts of the pages about one database, kept up to date while a page is open.

A page consists of parts. The server sends the digest of each part, and a page fetches the parts whose digests have changed. Parts are
computed in two tiers: the progress, from a few queries, and the charts, from an analysis of all trials. A tier is computed again when the
database has changed, after a pause of `PAUSE_FACTOR` times as long as the last computation took.
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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hpstudy.errors import HpstudyError
from hpstudy.live.markup import PARTS
from hpstudy.report.pens import plotly
from hpstudy.store import Owner

POLL_S = 1.0
"""Time between two checks whether a database has changed. Shorter: more checks without a change. Longer: pages lag behind."""

PAUSE_FACTOR = 9
"""Pause after a computation, as a multiple of its duration. Smaller: the server takes more than a tenth of a core from the study."""

SETTLED_S = 2.0
"""Age of the last write after which every reader sees it. SQLite writes a transaction to the file, waits for the disk, and only then shows
it to readers. Shorter than that wait: the last trial may be missing until the next write."""

PROBLEM = "problem"
"""Name of the part that says why the database cannot be read."""

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
        """Return a part with `value`; numbers that are not finite become null."""
        body = json.dumps(plotly.plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        return cls(body, hashlib.sha256(body).hexdigest()[:16])


@dataclass(frozen=True)
class Reading:
    """The parts of a tier, as computed from one state of a database.

    Attributes:
        parts: parts by name.
        owner: the process that owns the database, if a part says whether it is running.
        problem: why the database could not be read again, as HTML; "" if it could.
    """

    parts: Mapping[str, Part] = field(default_factory=dict)
    owner: Owner | None = None
    problem: str = ""

    def state(self, files: object) -> object:
        """Return a value that changes when the tier must be computed again, given the state of the files."""
        return files, self.owner is not None and self.owner.is_alive()


@dataclass
class Tier:
    """Parts that are computed together.

    Attributes:
        read: computes the parts from the database at a path.
        thread: runs `read`.
        reading: the last result of `read`.
        state: state of the database and its owner that `reading` shows; None to compute it again.
        pages: events of the open pages that show this tier.
        task: keeps the tier up to date while there are such pages.
    """

    read: Callable[[Path], Reading]
    thread: ThreadPoolExecutor
    reading: Reading = field(default_factory=Reading)
    state: object = None
    pages: set[asyncio.Event] = field(default_factory=set)
    task: asyncio.Task[None] | None = None


class Feed:
    """The parts of the pages about one database."""

    def __init__(self, path: Path, **tiers: Tier) -> None:
        """Combine tiers of the database at `path`. Reads nothing yet."""
        self.path = path
        self._tiers = tiers

    @property
    def parts(self) -> dict[str, Part]:
        """All parts by name, as last computed. If the database can no longer be read, the last ones remain."""
        readings = [tier.reading for tier in self._tiers.values()]
        parts = {name: part for reading in readings for name, part in reading.parts.items()}
        if problems := dict.fromkeys(reading.problem for reading in readings if reading.problem):
            parts[PROBLEM] = Part.of({"html": "".join(problems)})
        return parts

    @contextmanager
    def subscribed(self, changed: asyncio.Event, names: Sequence[str]) -> Iterator[None]:
        """Keep the tiers with these names up to date within the block. Sets `changed` when one was computed again."""
        tiers = [self._tiers[name] for name in names]
        for tier in tiers:
            tier.pages.add(changed)
            tier.task = tier.task or asyncio.create_task(self._update(tier))
        try:
            yield
        finally:
            for tier in tiers:
                tier.pages.discard(changed)
                if not tier.pages and tier.task is not None:
                    tier.task.cancel()
                    tier.task = None

    async def _update(self, tier: Tier) -> None:
        while True:
            duration_s = 0.0
            files = self._files()
            if tier.reading.state(files) != tier.state:
                started = time.monotonic()
                tier.reading = await asyncio.get_running_loop().run_in_executor(tier.thread, _read, tier, self.path)
                tier.state = None if tier.reading.problem else tier.reading.state(files)
                duration_s = time.monotonic() - started
                for page in tier.pages:
                    page.set()
            await asyncio.sleep(max(POLL_S, PAUSE_FACTOR * duration_s))

    def _files(self) -> object:
        """Return a value that changes when the database has changed, and once more when the change has settled.

        An empty write-ahead log, which a reader creates for a moment, is the same as none.
        """
        statuses = [_status(self.path), _status(self.path.with_name(f"{self.path.name}-wal"))]
        settled = all(time.time() - status.st_mtime > SETTLED_S for status in statuses if status is not None)
        return [(status.st_size, status.st_mtime_ns, status.st_ino) if status else None for status in statuses], settled


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a file; None if it is empty or does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status if status.st_size else None


def _read(tier: Tier, path: Path) -> Reading:
    """Compute a tier again. If this fails, return its last parts with the problem."""
    try:
        return tier.read(path)
    except HpstudyError as error:
        problem = PARTS.problem(error.message, error.hint)
    except Exception as error:  # if the updates ended without a message, a page would show an old state as the current one
        log.exception("%s cannot be shown", path)
        problem = PARTS.problem(f"{type(error).__name__}: {error} (an error of hpstudy; the terminal has the traceback)")
    return replace(tier.reading, problem=problem)
