import sqlite3

import pytest

from hpstudy.store.connection import create_file
from hpstudy.store.migrations import LATEST, MIGRATIONS, Migration, migrate, version

GOOD = Migration(LATEST + 1, "a table of notes", ("CREATE TABLE note (text TEXT) STRICT", "INSERT INTO note VALUES ('a')"))
BAD = Migration(LATEST + 2, "half a step", ("CREATE TABLE half (text TEXT) STRICT", "INSERT INTO nowhere VALUES (1)"))


@pytest.fixture
def connection(path):
    connection = create_file(path)
    yield connection
    connection.close()


def tables(connection):
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def test_versions_count_from_one_without_gaps():
    assert [migration.version for migration in MIGRATIONS] == list(range(1, LATEST + 1))


def test_a_new_file_takes_every_step(connection):
    assert migrate(connection) == list(MIGRATIONS)
    assert version(connection) == LATEST


def test_steps_taken_before_are_not_taken_again(connection):
    migrate(connection)
    assert migrate(connection) == []


def test_an_older_database_takes_the_new_steps_only(connection):
    migrate(connection)
    assert migrate(connection, (*MIGRATIONS, GOOD)) == [GOOD]


def test_a_failed_step_leaves_no_trace(connection):
    migrate(connection)
    before = tables(connection)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (*MIGRATIONS, GOOD, BAD))
    assert tables(connection) == before | {"note"}
    assert version(connection) == GOOD.version
