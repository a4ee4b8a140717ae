import os

import pytest

from hpstudy.errors import StoreBusy, StoreError
from hpstudy.store import Reader, connection
from hpstudy.store.connection import connect_writer
from hpstudy.tasks.outcome import Outcome

LONG = Outcome("completed", {"accuracy": 0.5}, tuple((epoch, "loss", 1 / (1 + epoch)) for epoch in range(20_000)))


def fill_disk(store):
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 5}")


def free_disk(store):
    store._connection.execute("PRAGMA max_page_count = 1000000")


def test_a_full_disk_is_named(store, key, point):
    store.start_trial(key, 0, point, 0.0)
    fill_disk(store)
    with pytest.raises(StoreError, match="the disk is full"):
        store.finish_trial(key, 0, LONG, 0.5)


def test_a_trial_that_does_not_fit_leaves_no_trace(store, key, point):
    store.start_trial(key, 0, point, 0.0)
    fill_disk(store)
    with pytest.raises(StoreError):
        store.finish_trial(key, 0, LONG, 0.5)
    with Reader.open(store.path) as reader:
        assert reader.history(key)[0].state == "running"
        assert reader.curves().empty
        assert reader.metrics() == []


def test_a_trial_can_be_stored_once_the_disk_has_space_again(store, key, point):
    store.start_trial(key, 0, point, 0.0)
    fill_disk(store)
    with pytest.raises(StoreError):
        store.finish_trial(key, 0, LONG, 0.5)
    free_disk(store)
    store.finish_trial(key, 0, LONG, 0.5)
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

    store.start_trial(key, 0, point, 0.0)
    with pytest.raises(KeyboardInterrupt):
        store.finish_trial(key, 0, Outcome("completed", {"accuracy": 0.5}, Interrupted()), 0.5)
    assert store.history(key)[0].state == "running"
    store.finish_trial(key, 0, Outcome("completed", {"accuracy": 0.5}), 0.5)


def test_a_program_that_writes_for_long_makes_the_store_busy(store, path, monkeypatch):
    other = connect_writer(path)
    other.execute("BEGIN IMMEDIATE")
    store._connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(StoreBusy, match="locked by another program"):
        store.event("tick")
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


def test_a_store_follows_its_file_when_the_process_changes_folder(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with type(store).create("relative.sqlite", store.study) as relative:
        monkeypatch.chdir(os.sep)
        relative.event("tick")
