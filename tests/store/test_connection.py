import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hpstudy.errors import StoreError
from hpstudy.store import Reader, Store, check
from hpstudy.store.connection import APPLICATION_ID
from tests.support.databases import example_study, synthetic_database


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def pragma(store, name):
    return store._connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("application_id", APPLICATION_ID)],
)
def test_a_writer_follows_the_rules(store, path, name, value):
    assert pragma(store, name) == value
    store.close()
    with Store.open(path) as again:
        assert pragma(again, name) == value


def test_every_table_is_strict(store):
    tables = store._connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    assert {name for name, strict in tables if not strict} == {"sqlite_schema"}


def test_a_reader_cannot_write(store, path):
    with Reader.open(path) as reader, pytest.raises(StoreError, match="cannot be written"), reader.snapshot() as connection:
        connection.execute("DELETE FROM trial")


def test_a_closed_database_is_one_file(store, path):
    store.close()
    assert names(path.parent) == [path.name]


def test_a_reader_leaves_no_file_behind(store, path):
    store.close()
    with Reader.open(path) as reader:
        reader.counts()
    assert names(path.parent) == [path.name]


def test_a_database_closed_under_a_reader_is_whole_without_its_log(store, path, add, key):
    with Reader.open(path) as reader:
        reader.counts()
        add(0)
        store.close()
        copy = path.with_name("copy.sqlite")
        copy.write_bytes(path.read_bytes())
    with Reader.open(copy) as reader:
        assert len(reader.history(key)) == 1


def test_a_reader_sees_a_live_database(store, path, add, key):
    with Reader.open(path) as reader:
        add(0)
        assert len(reader.history(key)) == 1


def test_a_reader_does_not_delay_the_writer(store, path, add, key):
    with Reader.open(path) as reader, reader.snapshot():
        before = reader.history(key)
        add(0)
        assert reader.history(key) == before == []


def test_a_reader_sees_what_a_killed_writer_had_committed(path, study):
    script = """
import os, sys
from hpstudy.store import Store
from hpstudy.study.plan import SearchKey
from tests.support.trials import start
store = Store.open(sys.argv[1])
start(store, SearchKey("filter", 0), 0, {"rate": 0.01, "decay": 0.5}, 0.0)
os.kill(os.getpid(), 9)
"""
    Store.create(path, study).close()
    subprocess.run([sys.executable, "-c", script, str(path)], check=False, cwd=Path(__file__).parents[2])
    with Reader.open(path) as reader:
        assert reader.counts()["filter"].running == 1


@pytest.mark.parametrize("open_database", [Reader.open, Store.open])
def test_a_log_that_was_copied_into_the_file_in_part_is_read(path, open_database):
    """As after a full disk or a crash: the header already counts pages that the file does not have yet."""
    synthetic_database(path, example_study())
    file = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE more AS SELECT zeroblob(100000)")
        connection.execute("DROP TABLE more")
        connection.commit()
        log = path.with_name(f"{path.name}-wal").read_bytes()
    header = path.read_bytes()[:4096]
    path.write_bytes(header + file[4096:])
    path.with_name(f"{path.name}-wal").write_bytes(log)
    assert check(path) == []
    with open_database(path) as database:
        assert database.study == example_study()


def test_opening_a_reader_keeps_the_locks_of_this_process(store, path):
    Reader.open(path).close()
    # Were the lock gone, another connection would take itself for the last one and delete the log when it closes.
    script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM study').fetchall(); c.close()"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert path.with_name(path.name + "-wal").exists()


def test_a_database_in_a_read_only_folder_can_be_read(public_folder, unprivileged):
    path = synthetic_database(public_folder / "x.sqlite", example_study())
    with unprivileged(public_folder):
        assert check(path) == []


def test_a_read_only_file_can_be_read(path):
    synthetic_database(path, example_study())
    path.chmod(0o444)
    assert check(path) == []


def test_a_live_database_in_a_read_only_folder_can_be_read(public_folder, unprivileged, study):
    with Store.create(public_folder / "x.sqlite", study) as store:
        store.event("tick")
        with unprivileged(public_folder), Reader.open(store.path) as reader:
            assert [event.kind for event in reader.events()] == ["created", "tick"]


def test_trials_in_a_log_that_cannot_be_read_are_not_passed_over(public_folder, unprivileged, study):
    path = public_folder / "x.sqlite"
    with Store.create(path, study) as store:
        store.event("tick")
        database, log = path.read_bytes(), path.with_name("x.sqlite-wal").read_bytes()
    (public_folder / "y.sqlite").write_bytes(database)
    (public_folder / "y.sqlite-wal").write_bytes(log)
    with unprivileged(public_folder), pytest.raises(StoreError, match=r"the last trials of .* are in y\.sqlite-wal"):
        Reader.open(public_folder / "y.sqlite")


def test_a_database_in_a_read_only_folder_cannot_be_written(public_folder, unprivileged, study):
    path = public_folder / "x.sqlite"
    Store.create(path, study).close()
    with unprivileged(public_folder), pytest.raises(StoreError, match=r"cannot be (written|opened)"):
        Store.open(path)


def test_the_store_starts_without_pandas():
    script = "import sys, hpstudy.store; print([m for m in ('pandas', 'pyarrow', 'scipy', 'torch') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout == "[]\n"


def test_counting_needs_no_pandas(path):
    synthetic_database(path, example_study())
    script = """
import sys
from hpstudy.store import Reader
with Reader.open(sys.argv[1]) as reader:
    reader.counts(), reader.search_counts(), reader.best("filter"), reader.events(), reader.owner()
print("pandas" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout == "False\n"


def test_a_thousand_trials_with_curves_are_small(path):
    study = example_study(trials=10, replicates=5)
    synthetic_database(path, study, epochs=12, metrics=("a", "b", "c", "d"))
    assert path.stat().st_size / 100 < 4_000
