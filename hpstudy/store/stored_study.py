"""The study that is stored in a database."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from hpstudy.errors import StoreError, UsageError
from hpstudy.store import paths
from hpstudy.store.decoding import Undecodable, fetch
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
    return StoredStudy(study, fingerprint, identity, paths.to_absolute(module_path, path), created_at, _read_shard(connection))


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
