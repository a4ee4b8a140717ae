import sqlite3

import pytest

from hpstudy.errors import StoreError
from hpstudy.store import Confirmed, Reader, Store, check
from hpstudy.store.migrations import LATEST, MIGRATIONS, migrate
from hpstudy.tasks.outcome import Failure, Outcome
from tests.support.databases import example_study, synthetic_database

BEST = Confirmed("filter", 0, 0)
DEFAULT = Confirmed("filter")
POINT = {"rate": 0.01, "decay": 0.5}


@pytest.fixture
def confirm(store):
    """Record a whole training on a fresh seed: confirm(BEST, 0, {"accuracy": 0.9})."""

    def confirm(of, seed, metrics, *, point=POINT, outcome=None):
        store.start_confirmation(of, seed, point)
        store.finish_confirmation(of, seed, outcome or Outcome("completed", metrics), metrics.get("accuracy"))

    return confirm


@pytest.fixture
def older(path, monkeypatch):
    """A database of version 1, with finished trials."""

    def make():
        with monkeypatch.context() as patch:
            patch.setattr("hpstudy.store.create.migrate", lambda connection: migrate(connection, MIGRATIONS[:1]))
            patch.setattr("hpstudy.store.owned.migrate", lambda connection: [])
            return synthetic_database(path, example_study())

    return make


def version_of(path):
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def test_a_training_begins_as_running(store, add, path):
    add(0, 0.9)
    store.start_confirmation(BEST, 2, POINT)
    (row,) = store.confirmations()
    assert (row.of, row.seed_number, row.point, row.state, row.objective, row.attempts) == (BEST, 2, POINT, "running", None, 1)


def test_a_reader_sees_the_rows_that_the_writer_sees(store, add, confirm, path):
    add(0, 0.9)
    confirm(BEST, 0, {"accuracy": 0.8})
    store.start_confirmation(DEFAULT, 1, POINT)
    with Reader.open(path) as reader:
        rows = reader.confirmation_rows()
    assert rows == store.confirmations()
    assert [(row.of, row.state, row.objective) for row in rows] == [(BEST, "completed", 0.8), (DEFAULT, "running", None)]


def test_values_come_back_as_a_data_frame(add, confirm, path):
    add(0, 0.9)
    confirm(BEST, 0, {"accuracy": 0.8, "test_accuracy": 0.7})
    confirm(DEFAULT, 1, {"accuracy": 0.5})
    with Reader.open(path) as reader:
        frame = reader.confirmations()
    assert list(frame.columns) == [
        "view", "replicate", "number", "seed_number", "state", "objective", "metric.accuracy", "metric.test_accuracy"
    ]  # fmt: skip
    default, best = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    assert (default["view"], default["replicate"], default["number"], default["seed_number"]) == ("filter", None, None, 1)
    assert (best["replicate"], best["number"], best["objective"], best["metric.test_accuracy"]) == (0, 0, 0.8, 0.7)
    assert (default["objective"], default["metric.test_accuracy"]) == (0.5, None)


@pytest.mark.parametrize("of", [BEST, DEFAULT], ids=str)
def test_no_training_is_stored_twice(store, add, confirm, of):
    add(0, 0.9)
    confirm(of, 0, {"accuracy": 0.8})
    with pytest.raises(StoreError, match="UNIQUE"):
        store.start_confirmation(of, 0, POINT)
    store.start_confirmation(of, 1, POINT)
    assert [row.seed_number for row in store.confirmations()] == [0, 1]


def test_a_failure_is_kept_with_its_error(store, add, confirm, path):
    add(0, 0.9)
    confirm(BEST, 0, {}, outcome=Outcome("failed", {}, failure=Failure("ValueError", "bad", "line")))
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT state, error_type, error FROM confirmation_result").fetchall() == [
        ("failed", "ValueError", "bad")
    ]
    connection.close()


def test_another_attempt_is_counted_and_recorded(store, add):
    add(0, 0.9)
    store.start_confirmation(BEST, 0, POINT)
    store.record_confirmation_attempt(BEST, 0, "killed")
    assert [row.attempts for row in store.confirmations()] == [2]


@pytest.mark.parametrize("of", [Confirmed("filter", 0, 3), Confirmed("nothing")], ids=str)
def test_what_is_not_there_cannot_be_trained_again(store, of):
    with pytest.raises(StoreError, match="nothing called"):
        store.start_confirmation(of, 0, POINT)


def test_a_finished_training_cannot_be_finished_again(store, add, confirm):
    add(0, 0.9)
    confirm(BEST, 0, {"accuracy": 0.8})
    with pytest.raises(StoreError, match="not running"):
        store.finish_confirmation(BEST, 0, Outcome("completed", {"accuracy": 0.1}), 0.1)


def test_values_that_are_not_finite_are_kept(add, confirm, store):
    add(0, 0.9)
    infinite = float("-inf")
    confirm(BEST, 0, {"accuracy": infinite}, outcome=Outcome("diverged", {"accuracy": infinite}))
    assert store.confirmations()[0].objective == infinite


def test_an_older_database_is_read_without_confirmations(older):
    path = older()
    with Reader.open(path) as reader:
        assert len(reader.trials()) == 30
        assert reader.confirmations().empty
        assert list(reader.confirmations().columns)[:4] == ["view", "replicate", "number", "seed_number"]
    assert check(path) == []
    assert version_of(path) == 1


def test_an_older_database_takes_the_new_tables_when_it_is_opened_for_writing(older):
    path = older()
    with Reader.open(path) as reader:
        before = reader.trials()
    with Store.open(path) as store:
        store.start_confirmation(Confirmed("filter"), 0, POINT)
    assert version_of(path) == LATEST
    with Reader.open(path) as reader:
        assert reader.trials().equals(before)
        assert len(reader.confirmations()) == 1


@pytest.fixture
def tampered(path, store, add, confirm, study):
    """The problems found after some SQL was run on a sound database with two trainings on fresh seeds."""

    def tampered(statement):
        add(0, 0.9)
        confirm(BEST, 0, {"accuracy": 0.8})
        confirm(DEFAULT, 0, {"accuracy": 0.5}, point=study.views["filter"].space.default())
        store.close()
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)
        connection.close()
        return check(path)

    return tampered


def test_sound_confirmations_are_no_problem(tampered):
    assert tampered("SELECT 1") == []


TAMPERINGS = {
    "filter/0 trial 0 on fresh seed 0: is completed but has no objective": (
        "UPDATE confirmation SET objective = NULL, objective_kind = NULL WHERE trial_id"
    ),
    "filter/0 trial 0 on fresh seed 0: its objective differs from its metric accuracy": (
        "UPDATE confirmation SET objective = 7 WHERE trial_id"
    ),
    "filter default point on fresh seed 0: failed without an error": "UPDATE confirmation SET state = 'failed' WHERE view_id",
    "filter default point on fresh seed 0: has ended but has no end time": "UPDATE confirmation SET ended_at = NULL",
    "filter default point on fresh seed 0: is running but has results": "UPDATE confirmation SET state = 'running'",
    "filter/0 trial 0 on fresh seed 0: its trial has no value to confirm": "UPDATE trial SET state = 'diverged'",
    "filter/0 trial 0 on fresh seed 0: its point is not that of its trial": (
        "UPDATE confirmation SET point = '{}' WHERE trial_id"
    ),
    "filter default point on fresh seed 0: its point {} is not the view's default point": (
        "UPDATE confirmation SET point = '{}' WHERE view_id"
    ),
    "1 values of metrics belong to no training on a fresh seed": (
        "UPDATE confirmation_value SET confirmation_id = 99 WHERE confirmation_id = 1"
    ),
}


@pytest.mark.parametrize("problem", TAMPERINGS)
def test_a_check_finds_what_was_tampered_with(tampered, problem):
    assert problem in tampered(TAMPERINGS[problem])
