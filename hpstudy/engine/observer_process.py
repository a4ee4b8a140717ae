"""The process of an observer. It reads finished trials from the database and logs those that are not logged yet.

The file DATABASE.observers/NAME.jsonl lists the logged trials, one per line. A lock file next to it prevents two processes from logging
at the same time.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from operator import itemgetter
from pathlib import Path
from typing import Any

from filelock import FileLock

from hpstudy.engine.trial_seeds import training_seed
from hpstudy.errors import UsageError, text_of
from hpstudy.modules import module_path
from hpstudy.observers import OBSERVERS
from hpstudy.observers.interface import FinishedTrial, TrialObserver
from hpstudy.store import Reader
from hpstudy.store.attributes import read_attributes
from hpstudy.store.events import last_event
from hpstudy.store.single_trials import FinishedKey, finished_keys
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey

POLL_S = 2.0
"""Seconds between two reads of the database. Longer: trials appear later. Shorter: less CPU time for training."""

LOCK_S = 60.0
"""Seconds to wait for the observer process of a killed run to finish logging its last trial."""

FINISH = "finish"
"""Sent by the run when it has ended: log the remaining trials, then end."""


class ParentGone(Exception):
    """The process of the run has ended."""


def serve(descriptor: int, name: str, database: str, modules: str | None, folder: str) -> None:
    """Log finished trials until the run sends FINISH. Then send the number of remaining trials, and None at the end, or an error.

    Args:
        descriptor: file descriptor of this end of the connection.
        name: name of the observer.
        database: path of the database.
        modules: folder that is searched first for a user's module.
        folder: folder of all observers of the database.
    """
    with suppress(AttributeError, OSError):
        os.nice(10)
    connection = Connection(descriptor)
    try:
        lines = Path(folder, f"{file_name(name)}.jsonl")
        with FileLock(f"{lines}.lock").acquire(timeout=LOCK_S), module_path(modules), Reader.open(database) as reader:
            observer: TrialObserver = OBSERVERS.load(name)(reader.study, Path(folder, file_name(name)))
            _Service(connection, reader, observer, lines).run()
            observer.close()
        connection.send(None)
    except ParentGone:
        pass
    except BaseException as error:  # an observer may raise anything
        traceback.print_exc()
        with suppress(OSError):
            connection.send(f"{type(error).__name__}: {text_of(error)}")
        sys.exit(1)


def file_name(observer: str) -> str:
    """The name of an observer as used in file names."""
    return observer.replace(":", ".")


class _Service:
    """Logs the trials of the database that are not in the list of logged trials.

    Args:
        connection: connection to the run.
        reader: reader of the database.
        observer: the observer that logs.
        lines: file that lists the logged trials.
    """

    def __init__(self, connection: Connection, reader: Reader, observer: TrialObserver, lines: Path) -> None:
        self._connection = connection
        self._reader = reader
        self._observer = observer
        self._lines = lines
        self._logged = set(_read(lines))
        self._last = ""
        self._attributes: dict[tuple[SearchKey, int], dict[str, Any]] = {}
        self._last_event = 0
        self._finishing = False

    def run(self) -> None:
        """Run until the run sends FINISH and no trial remains. Raises ParentGone."""
        while not self._finishing:
            self._log_new()
            self._listen(POLL_S)
        self._last = ""  # the clock may have been set back
        self._log_new()

    def _log_new(self) -> None:
        with self._reader.snapshot() as connection:
            keys = finished_keys(connection, self._last)
            self._attributes |= read_attributes(connection, self._last_event)
            self._last_event = last_event(connection)
        new = [key for key in keys if key not in self._logged]
        for done, key in enumerate(new):
            self._listen(0)
            if self._finishing:
                self._connection.send(len(new) - done)
            if (trial := self._trial(key)) is not None:
                self._observer.log(trial)
                with self._lines.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(key) + "\n")
            self._logged.add(key)
            self._last = key.ended_at

    def _listen(self, timeout_s: float) -> None:
        try:
            if self._connection.poll(timeout_s):
                self._finishing = self._connection.recv() == FINISH
        except (EOFError, OSError):
            raise ParentGone from None

    def _trial(self, key: FinishedKey) -> FinishedTrial | None:
        """Return a finished trial; None if it has been removed."""
        search = SearchKey(key.view, key.replicate)
        try:
            detail = self._reader.trial_detail(search, key.number)
        except UsageError:
            return None
        if detail.trial.ended_at != key.ended_at:
            return None
        study = self._reader.study
        curves = ((epoch, metric, value) for metric, points in detail.curves.items() for epoch, value in points)
        identity = json.dumps([study.name, self._reader.fingerprint, key.view, key.replicate, key.number])
        return FinishedTrial(
            id=hashlib.sha256(identity.encode()).hexdigest()[:16],
            view=key.view,
            replicate=key.replicate,
            number=key.number,
            seed=training_seed(study, key.replicate, key.number, detail.seed_number),
            state=detail.trial.state,
            hyperparameters={**study.views[arms(study)[key.view].view].fixed, **detail.point},
            metrics=detail.metrics,
            curves=tuple(sorted(curves, key=itemgetter(0, 1))),
            attributes=self._attributes.pop((search, key.number), {}),
            error=": ".join(filter(None, (detail.error_type, detail.error))),
            started_at=detail.trial.started_at,
            ended_at=key.ended_at,
        )


def _read(lines: Path) -> Iterator[FinishedKey]:
    """The logged trials. A killed process may leave a partial line at the end."""
    with suppress(FileNotFoundError):
        for line in lines.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError):
                yield FinishedKey(*json.loads(line))
