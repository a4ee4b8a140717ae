import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpstudy.errors import StoreBusy, StoreError
from hpstudy.store import EndedTrial, NewTrial, Reader, check, connection
from hpstudy.store.connection import connect_writer, log_of
from hpstudy.study.plan import SearchKey
from hpstudy.tasks.outcome import Outcome
from tests.support.trials import finish, start

LONG = Outcome("completed", {"accuracy": 0.5}, tuple((epoch, "loss", 1 / (1 + epoch)) for epoch in range(20_000)))


def fill_disk(store):
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 5}")


def free_disk(store):
    store._connection.execute("PRAGMA max_page_count = 1000000")


def test_a_full_disk_is_named(store, key, point):
    start(store, key, 0, point, 0.0)
    fill_disk(store)
    with pytest.raises(StoreError, match="the disk is full"):
        finish(store, key, 0, LONG, 0.5)


def test_a_trial_that_does_not_fit_leaves_no_trace(store, key, point):
    start(store, key, 0, point, 0.0)
    fill_disk(store)
    with pytest.raises(StoreError):
        finish(store, key, 0, LONG, 0.5)
    with Reader.open(store.path) as reader:
        assert reader.history(key)[0].state == "running"
        assert reader.curves().empty
        assert reader.metrics() == []


def test_a_trial_can_be_stored_once_the_disk_has_space_again(store, key, point):
    start(store, key, 0, point, 0.0)
    fill_disk(store)
    with pytest.raises(StoreError):
        finish(store, key, 0, LONG, 0.5)
    free_disk(store)
    finish(store, key, 0, LONG, 0.5)
    with Reader.open(store.path) as reader:
        assert len(reader.curves("loss")) == 20_000


def test_an_interruption_within_a_transaction_leaves_no_trace(store, key, point):
    def interrupt():
        yield (1, "loss", 1.0)
        raise KeyboardInterrupt

    class Interrupted(tuple):
        __slots__ = ()

        def __iter__(self):
            return interrupt()

    start(store, key, 0, point, 0.0)
    with pytest.raises(KeyboardInterrupt):
        finish(store, key, 0, Outcome("completed", {"accuracy": 0.5}, Interrupted()), 0.5)
    assert store.history(key)[0].state == "running"
    finish(store, key, 0, Outcome("completed", {"accuracy": 0.5}), 0.5)


def test_trials_that_begin_together_are_all_stored_or_none(store, key, point):
    other = SearchKey("filter", 1)
    start(store, other, 0, point)
    with pytest.raises(StoreError, match="trial 0 of filter/1 cannot be started"):
        store.start_trials([NewTrial(key, 0, point), NewTrial(other, 0, point)])
    assert store.history(key) == []
    store.start_trials([NewTrial(key, 0, point, 0.25), NewTrial(other, 1, point, 0.25)])
    assert [store.history(search)[-1].state for search in (key, other)] == ["running", "running"]
    assert check(store.path) == ["filter/1 trial 0: is running although a later trial of its search exists"]


def test_trials_that_end_together_are_all_stored_or_none(store, key, point):
    other = SearchKey("filter", 1)
    ended = [
        EndedTrial(key, 0, Outcome("completed", {"accuracy": 0.5}, ((1, "loss", 1.0),)), 0.5),
        EndedTrial(other, 0, Outcome("diverged", {"loss": math.nan}), None),
    ]
    start(store, key, 0, point)
    with pytest.raises(StoreError, match="trial 0 of filter/1 is not running"):
        store.finish_trials(ended)
    assert store.history(key)[0].state == "running"
    start(store, other, 0, point)
    store.record_attempts([(key, 0), (other, 0)], "killed")
    store.finish_trials(ended)
    rows = [store.history(search)[0] for search in (key, other)]
    assert [(row.state, row.objective, row.attempts) for row in rows] == [("completed", 0.5, 2), ("diverged", None, 2)]
    assert check(store.path) == []


def test_a_program_that_writes_for_long_makes_the_store_busy(store, path, monkeypatch):
    other = connect_writer(path)
    other.execute("BEGIN IMMEDIATE")
    store._connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(StoreBusy, match="locked by another program") as caught:
        store.event("tick")
    assert "If there is none, the disk has no file locks" in caught.value.hint
    other.execute("ROLLBACK")
    other.close()
    store.event("tock")


def test_opening_beside_a_program_that_writes_is_busy(store, path, monkeypatch):
    store.close()
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.001)
    other = connect_writer(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        type(store).open(path)
    other.execute("ROLLBACK")
    other.close()


def test_a_deleted_database_is_noticed(store, path):
    path.unlink()
    with pytest.raises(StoreError, match="was deleted or replaced"):
        store.event("tick")
    assert not path.exists()


def test_a_replaced_database_is_noticed_and_left_alone(store, path):
    path.rename(path.with_suffix(".moved"))
    path.write_bytes(b"something else")
    with pytest.raises(StoreError, match="was deleted or replaced"):
        store.event("tick")
    store.close()
    assert path.read_bytes() == b"something else"


@pytest.mark.parametrize("file", ["-wal", "-shm"])
def test_a_deleted_log_is_noticed_and_what_it_held_is_kept(store, path, file):
    store.event("before")
    path.with_name(path.name + file).unlink()
    with pytest.raises(StoreError, match=f"sqlite{file} was deleted or replaced"):
        store.event("after")
    store.close()
    with Reader.open(path) as reader:
        assert [event.kind for event in reader.events()][-1] == "before"
    with type(store).open(path) as again:
        again.event("after")


def test_nothing_is_lost_if_the_locks_of_sqlite_are_dropped_and_another_program_closes_the_database(store, path):
    store.event("before")
    path.read_bytes()  # the system drops all locks of this process on the file
    other = "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1]); connection.execute('SELECT * FROM event'); connection.close()"
    subprocess.run([sys.executable, "-c", other, str(path)], check=True)
    with pytest.raises(StoreError, match="sqlite-wal was deleted or replaced"):
        store.event("after")
    with Reader.open(path) as reader:
        assert [event.kind for event in reader.events()][-1] == "before"


CLOSES = """
import os, sys
from hpstudy.store import Store
store = Store.open(sys.argv[1])
store.event("before")
os.closerange(3, 256)
files = [open(f"{sys.argv[1]}.{number}", "w+") for number in range(int(sys.argv[2]))]
try:
    store.event("after")
except Exception as error:
    print(error.message)
store.close()
"""


@pytest.mark.parametrize("opened", [0, 1, 10])
def test_code_that_closes_the_descriptors_of_sqlite_loses_nothing(store, path, opened):
    store.close()
    command = [sys.executable, "-c", CLOSES, str(path), str(opened)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "has closed the open files of" in done.stdout
    assert {file.stat().st_size for file in path.parent.glob(f"{path.name}.[0-9]")} <= {0}
    with Reader.open(path) as reader:
        assert [event.kind for event in reader.events()][-1] == "before"
    assert check(path) == []


def test_a_reader_that_is_closed_during_a_run_is_no_closed_file(store, path):
    store.close()
    reader = Reader.open(path)
    with type(store).open(path) as again:
        reader.close()
        again.event("tick")


def test_a_database_that_is_a_link_is_written_with_the_log_of_its_file(store, path, tmp_path):
    store.close()
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "link.sqlite"
    link.symlink_to(path)
    with type(store).open(link) as linked:
        linked.event("tick")
        assert log_of(link) == path.with_name(path.name + "-wal")
        assert log_of(link).exists()


def test_a_store_follows_its_file_when_the_process_changes_folder(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with type(store).create("relative.sqlite", store.study) as relative:
        monkeypatch.chdir(os.sep)
        relative.event("tick")
