import os
import sqlite3
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpstudy.errors import StoreError, StoreTooNew
from hpstudy.store import Reader, Store, check, connection, migrations
from hpstudy.store.seals import seal_all
from tests.support.databases import example_study, synthetic_database


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def make_missing(path):
    pass


def make_folder(path):
    path.mkdir()


def make_empty(path):
    path.touch()


def make_text(path):
    path.write_text("version: 1\nname: audio\n" * 100)


def make_foreign(path):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes (text)")
    other.commit()
    other.close()


def make_stub(path):
    synthetic_database(path, example_study())
    os.truncate(path, 60)


def make_truncated(path):
    synthetic_database(path, example_study(trials=50))
    os.truncate(path, path.stat().st_size // 2)


def make_scribbled(path):
    synthetic_database(path, example_study(trials=50))
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3000)


def make_headless(path):
    synthetic_database(path, example_study())
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


def make_altered(path):
    synthetic_database(path, example_study())
    other = sqlite3.connect(path)
    other.execute("UPDATE study SET definition = '{}'")
    seal_all(other)
    other.commit()
    other.close()


def make_without_study(path):
    synthetic_database(path, example_study())
    other = sqlite3.connect(path)
    other.execute("DELETE FROM study")
    seal_all(other)
    other.commit()
    other.close()


def make_with_two_studies(path):
    synthetic_database(path, example_study())
    other = sqlite3.connect(path)
    other.executescript("ALTER TABLE study RENAME TO one; CREATE TABLE study AS SELECT * FROM one UNION ALL SELECT * FROM one")
    seal_all(other)
    other.commit()
    other.close()


DAMAGES = {
    "does not exist": make_missing,
    "is a folder": make_folder,
    "is empty": make_empty,
    "is not an hpstudy database": make_text,
    "another program wrote it": make_foreign,
    "is not an hpstudy database|is damaged": make_stub,
    "is damaged": make_truncated,
    "(?s)is damaged": make_scribbled,
    "(?m)is not an hpstudy database$": make_headless,
    "this version of hpstudy cannot read": make_altered,
    "contains no study": make_without_study,
    "contains more than one study": make_with_two_studies,
}


@pytest.fixture(params=DAMAGES.items(), ids=lambda damage: damage[1].__name__[5:])
def damaged(request, path):
    message, damage = request.param
    damage(path)
    return path, message


def content(path):
    return path.read_bytes() if path.is_file() else None


def test_a_writer_names_the_damage(damaged):
    path, message = damaged
    with pytest.raises(StoreError, match=message) as caught:
        Store.open(path)
    assert caught.value.hint


def test_a_reader_names_the_damage(damaged):
    path, message = damaged
    with pytest.raises(StoreError, match=message) as caught:
        Reader.open(path)
    assert caught.value.hint


def test_a_check_names_the_damage(damaged):
    path, _ = damaged
    assert check(path)


def test_a_reader_changes_nothing_in_a_damaged_file(damaged):
    path, _ = damaged
    before, files = content(path), names(path.parent)
    with pytest.raises(StoreError):
        Reader.open(path)
    assert (content(path), names(path.parent)) == (before, files)


def test_creating_changes_nothing_in_a_damaged_file(damaged, study):
    path, _ = damaged
    if path.exists():
        before = content(path)
        with pytest.raises(StoreError, match="already exists"):
            Store.create(path, study)
        assert content(path) == before


@pytest.mark.parametrize("make", [make_text, make_foreign, make_empty])
def test_a_writer_changes_nothing_in_a_file_of_others(path, make):
    make(path)
    before = content(path)
    with pytest.raises(StoreError):
        Store.open(path)
    assert (content(path), names(path.parent)) == (before, [path.name])


def test_a_misspelled_path_gets_the_nearest_database(path, study):
    Store.create(path, study).close()
    with pytest.raises(StoreError, match="does not exist") as caught:
        Reader.open(path.with_name("exmaple.sqlite"))
    assert "did you mean 'example.sqlite'?" in caught.value.hint


def test_a_path_in_a_missing_folder_names_the_folder(tmp_path):
    with pytest.raises(StoreError, match="there is no folder"):
        Reader.open(tmp_path / "nowhere" / "x.sqlite")


def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(StoreError, match="is not a file"):
        Reader.open(path)


@pytest.mark.parametrize("opener", [Store.open, Reader.open])
def test_a_newer_database_is_refused(path, study, opener):
    Store.create(path, study).close()
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {migrations.LATEST + 1}")
    other.close()
    with pytest.raises(StoreTooNew, match="written by a newer hpstudy"):
        opener(path)


def test_a_database_of_an_unknown_older_version_is_not_read(path, study):
    Store.create(path, study).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 0")
    other.close()
    with pytest.raises(StoreError, match="has database version") as caught:
        Reader.open(path)
    assert "use a backup" in caught.value.hint


def test_an_old_sqlite_library_is_named(path, study, monkeypatch):
    Store.create(path, study).close()
    monkeypatch.setattr(connection, "OLDEST_SQLITE", (99, 0, 0))
    with pytest.raises(StoreError, match=r"needs 99\.0\.0 or newer"):
        Reader.open(path)


def test_a_file_that_may_not_be_read_is_named(public_folder, unprivileged, study):
    path = public_folder / "x.sqlite"
    Store.create(path, study).close()
    path.chmod(0)
    with unprivileged(public_folder), pytest.raises(StoreError, match="cannot be opened"):
        Reader.open(path)


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_damage_only_store_errors_leave_the_store(tmp_path, data):
    path = tmp_path / "example.sqlite"
    if not path.exists():
        synthetic_database(path, example_study(), epochs=2)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20)):
        content[place] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged.sqlite"
    for left in tmp_path.glob("damaged.sqlite*"):
        left.unlink()
    damaged.write_bytes(content)
    with suppress(StoreTooNew):  # the changed byte may be one of the database's version
        check(damaged)
    with suppress(StoreError), Reader.open(damaged) as reader:
        for read in (reader.counts, reader.trials, reader.curves, reader.events, reader.environments, reader.owner):
            with suppress(StoreError):
                read()
    with suppress(StoreError), Store.open(damaged) as store:
        store.event("tick")
