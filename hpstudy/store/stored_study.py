"""The stored study and its identity: reading and writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from hpstudy.errors import StoreError, UsageError
from hpstudy.store import paths
from hpstudy.store.decoding import Undecodable, fetch
from hpstudy.store.seals import changing
from hpstudy.store.values import clean_text, utc_now
from hpstudy.study.controls import arms
from hpstudy.study.schema import Study
from hpstudy.study.shard import Shard

SHARD = "shard"
"""Kind of the event that records which part of the study a database runs."""


@dataclass(frozen=True)
class StoredStudy:
    """The stored study, and how it was started.

    Attributes:
        study: the resolved study.
        fingerprint: the study's fingerprint as recorded at creation.
        identity: what determines the results besides the study, by name: checksums of data, versions of code.
        module_path: the folder that is put first on the import path, for user code.
        created_at: when the database was created (UTC).
        shard: the part of the study that this database runs; None for all of it.
    """

    study: Study
    fingerprint: str
    identity: dict[str, str]
    module_path: str | None
    created_at: str
    shard: Shard | None


def read_study(connection: sqlite3.Connection, path: Path) -> StoredStudy:
    """Read the study from the database. Raises StoreError if there is none, or if this version of hpstudy cannot read it."""
    columns = "study.id study.definition study.fingerprint study.module_path study.created_at"
    rows = fetch(connection, columns, "FROM study")
    if len(rows) != 1:
        count = "more than one study" if rows else "no study"
        raise StoreError(f"{path} contains {count}", "use a backup, or start a new database")
    _, definition, fingerprint, module_path, created_at = rows[0]
    try:
        study = Study.model_validate(definition)
    except ValidationError as error:
        raise StoreError(
            f"this version of hpstudy cannot read the study in {path}: {_problems(error)}", "use the version that wrote it"
        ) from error
    identity = dict(fetch(connection, "identity.name identity.value", "FROM identity ORDER BY name"))
    folder = paths.to_absolute(module_path, path)
    return StoredStudy(study.in_folder(folder), fingerprint, identity, folder, created_at, _read_shard(connection))


def write_study(connection: sqlite3.Connection, study: Study, module_path: str | None = None) -> None:
    """Store a study with its arms and searches. Existing arms and searches are kept.

    Args:
        connection: connection to the database.
        study: replaces the stored study, if there is one.
        module_path: as `paths.to_stored` returns it; the module path of a stored study is kept.
    """
    with changing(connection, "study", "view", "search"):
        _write_study(connection, study, module_path)


def write_identity(connection: sqlite3.Connection, identity: Mapping[str, str]) -> None:
    """Add to the identity of the study. None of the names may be stored yet."""
    if identity:
        with changing(connection, "identity"):
            rows = [(clean_text(name), value) for name, value in identity.items()]
            connection.executemany("INSERT INTO identity VALUES (?, ?)", rows)


def _write_study(connection: sqlite3.Connection, study: Study, module_path: str | None) -> None:
    connection.execute(
        """
        INSERT INTO study VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, question = excluded.question, trials = excluded.trials,
            replicates = excluded.replicates, definition = excluded.definition, fingerprint = excluded.fingerprint
        """,
        (
            study.name,
            study.question,
            study.metric.name,
            study.metric.goal,
            study.search.trials,
            study.replicates,
            study.to_json(),
            study.fingerprint(),
            module_path,
            utc_now(),
        ),
    )
    labels = {name: view.label for name, view in study.views.items()}
    for name in arms(study):
        connection.execute(
            "INSERT INTO view (name, label) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET label = excluded.label",
            (name, labels.get(name) or name),
        )
        view_id = connection.execute("SELECT id FROM view WHERE name = ?", (name,)).fetchone()[0]
        connection.executemany(
            "INSERT INTO search (view_id, replicate) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(view_id, replicate) for replicate in range(study.replicates)],
        )


def _read_shard(connection: sqlite3.Connection) -> Shard | None:
    for (detail,) in fetch(connection, "event.detail", f"FROM event WHERE kind = '{SHARD}'"):
        try:
            return Shard.parse(str(detail.get("shard")))
        except UsageError as error:
            raise Undecodable(f"the event '{SHARD}': {error.message}") from None
    return None


def _problems(error: ValidationError) -> str:
    """Return the validation errors of a study in one line. A hyperparameter is named with its view."""
    return "; ".join(
        f"{_location_text(detail['loc'])}: {detail['msg'].removeprefix('Value error, ')}" for detail in error.errors()
    )


def _location_text(location: tuple[str | int, ...]) -> str:
    match location:
        case ("views", view, "space", name, *_):
            return f"view '{view}', hyperparameter '{name}'"
    return ".".join(map(str, location)) or "study"
