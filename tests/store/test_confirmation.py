import sqlite3

import pytest

from hpstudy.errors import StoreError
from hpstudy.store import Reader, Store, check
from hpstudy.study.confirm import Retraining
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm
from hpstudy.tasks.outcome import Failure, Outcome
from tests.support.trials import attempt, finish, start

KEY = SearchKey("filter/confirm", 0)
BEST, DEFAULT = Retraining(0, 0), Retraining(None, 0)
POINT = {"rate": 0.01, "decay": 0.5}


@pytest.fixture
def store(path, study):
    with Store.create(path, study.model_copy(update={"confirm": Confirm(seeds=2)})) as store:
        yield store


@pytest.fixture
def confirm(store):
    """Record a whole training on a fresh seed: confirm(BEST, {"accuracy": 0.9})."""

    def confirm(retrained, metrics, *, point=POINT, outcome=None):
        number = len(store.history(KEY))
        start(store, KEY, number, point, retrained=retrained)
        finish(store, KEY, number, outcome or Outcome("completed", metrics), metrics.get("accuracy"))

    return confirm


def test_a_training_begins_as_running(store, add):
    add(0, 0.9)
    start(store, KEY, 0, POINT, retrained=Retraining(0, 1))
    (row,) = store.history(KEY)
    assert (row.retrained, row.point, row.state, row.objective, row.attempts) == (Retraining(0, 1), POINT, "running", None, 1)


def test_a_reader_sees_the_rows_that_the_writer_sees(store, add, confirm, path):
    add(0, 0.9)
    confirm(BEST, {"accuracy": 0.8})
    start(store, KEY, 1, POINT, retrained=DEFAULT)
    with Reader.open(path) as reader:
        rows = reader.history(KEY)
    assert rows == store.history(KEY)
    assert [(row.retrained, row.state, row.objective) for row in rows] == [(BEST, "completed", 0.8), (DEFAULT, "running", None)]


def test_trials_say_what_they_train_again_and_on_which_seed(store, add, confirm, path):
    add(0, 0.9)
    confirm(BEST, {"accuracy": 0.8})
    confirm(Retraining(None, 1), {"accuracy": 0.7})
    with Reader.open(path) as reader:
        frame = reader.trials()
    assert frame["view"].tolist() == ["filter", "filter/confirm", "filter/confirm"]
    assert frame["seed_number"].isna().tolist() == [True, False, False]
    assert frame["seed_number"][1:].tolist() == [0, 1]
    assert frame["retrains"].isna().tolist() == [True, False, True]
    assert frame["retrains"][1] == 0


def test_values_come_back_as_a_data_frame(add, confirm, path):
    add(0, 0.9)
    confirm(BEST, {"accuracy": 0.8, "test_accuracy": 0.7})
    confirm(Retraining(None, 1), {"accuracy": 0.5})
    with Reader.open(path) as reader:
        frame = reader.confirmations()
    assert list(frame.columns) == [
        "view", "replicate", "number", "seed_number", "state", "objective", "metric.accuracy", "metric.test_accuracy"
    ]  # fmt: skip
    default, best = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    assert (default["view"], default["replicate"], default["number"], default["seed_number"]) == ("filter", None, None, 1)
    assert (best["replicate"], best["number"], best["objective"], best["metric.test_accuracy"]) == (0, 0, 0.8, 0.7)
    assert (default["objective"], default["metric.test_accuracy"]) == (0.5, None)


@pytest.mark.parametrize("number", [0, None])
def test_no_training_is_stored_twice(store, add, confirm, number):
    add(0, 0.9)
    confirm(Retraining(number, 0), {"accuracy": 0.8})
    with pytest.raises(StoreError, match=r"already has .* on fresh seed 0"):
        start(store, KEY, 1, POINT, retrained=Retraining(number, 0))
    start(store, KEY, 1, POINT, retrained=Retraining(number, 1))
    assert [row.retrained.seed_number for row in store.history(KEY)] == [0, 1]


def test_a_failure_is_kept_with_its_error(store, add, confirm, path):
    add(0, 0.9)
    confirm(BEST, {}, outcome=Outcome("failed", {}, failure=Failure("ValueError", "bad", "line")))
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT state, error_type, error FROM confirmation_result").fetchall() == [
        ("failed", "ValueError", "bad")
    ]
    connection.close()


def test_another_attempt_is_counted_and_recorded(store, add):
    add(0, 0.9)
    start(store, KEY, 0, POINT, retrained=BEST)
    attempt(store, KEY, 0, "killed")
    assert [row.attempts for row in store.history(KEY)] == [2]


@pytest.mark.parametrize(
    ("key", "message"), [(KEY, "filter/0 has no trial 3"), (SearchKey("nothing/confirm", 0), "has no search nothing/confirm/0")]
)
def test_what_is_not_there_cannot_be_trained_again(store, key, message):
    with pytest.raises(StoreError, match=message):
        start(store, key, 0, POINT, retrained=Retraining(3, 0))
    assert store.history(KEY) == []


def test_a_finished_training_cannot_be_finished_again(store, add, confirm):
    add(0, 0.9)
    confirm(BEST, {"accuracy": 0.8})
    with pytest.raises(StoreError, match="not running"):
        finish(store, KEY, 0, Outcome("completed", {"accuracy": 0.1}), 0.1)


def test_values_that_are_not_finite_are_kept(add, confirm, store):
    add(0, 0.9)
    infinite = float("-inf")
    confirm(BEST, {"accuracy": infinite}, outcome=Outcome("diverged", {"accuracy": infinite}))
    assert store.history(KEY)[0].objective == infinite


def test_best_so_far_leaves_confirmations_out(add, confirm, path):
    add(0, 0.9)
    confirm(BEST, {"accuracy": 0.8})
    with Reader.open(path) as reader, reader.snapshot() as connection:
        assert connection.execute("SELECT view, best FROM best_so_far").fetchall() == [("filter", 0.9)]


@pytest.fixture
def tampered(path, store, add, confirm, study):
    """The problems found after some SQL was run on a sound database with trials 1 to 3, of which 2 to 4 are confirmations."""

    def tampered(statement):
        add(0, 0.9)
        confirm(DEFAULT, {"accuracy": 0.5}, point=study.views["filter"].space.default())
        confirm(BEST, {"accuracy": 0.8})
        confirm(Retraining(None, 1), {"accuracy": 0.4}, point=study.views["filter"].space.default())
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
    "filter/confirm/0 trial 1: is completed but has no objective": (
        "UPDATE trial SET objective = NULL, objective_kind = NULL WHERE id = 3"
    ),
    "filter/confirm/0 trial 1: its objective differs from its metric accuracy": "UPDATE trial SET objective = 7 WHERE id = 3",
    "filter/confirm/0 trial 0: failed without an error": "UPDATE trial SET state = 'failed' WHERE id = 2",
    "filter/confirm/0 trial 0: has ended but has no end time": "UPDATE trial SET ended_at = NULL",
    "filter/confirm/0 trial 0: is running but has results": "UPDATE trial SET state = 'running'",
    "filter/confirm/0 trial 1: the trial that it retrains has no value": "UPDATE trial SET state = 'diverged' WHERE id = 1",
    "filter/confirm/0 trial 1: its point differs from that of the trial it retrains": "UPDATE trial SET point = '{}' WHERE id = 3",
    "filter/confirm/0 trial 0: its point {} is not the view's default point": "UPDATE trial SET point = '{}' WHERE id = 2",
    "filter/confirm/0 trial 0: its point {} is outside the view's search space": "UPDATE trial SET point = '{}' WHERE id = 2",
    "1 values of metrics belong to no trial": "UPDATE metric_value SET trial_id = 99 WHERE trial_id = 2",
    "filter/confirm/0 trial 1: is a confirmation but has no row in table retraining": "DELETE FROM retraining WHERE trial_id = 3",
    "filter/0 trial 0: has a row in table retraining but is not a confirmation": "INSERT INTO retraining VALUES (1, NULL, 0)",
    "filter/confirm/0 trial 1: retrains a trial of another search": "UPDATE retraining SET of_trial_id = 2 WHERE trial_id = 3",
    "filter/confirm/0 trial 2: retrains the default point on fresh seed 0, as an earlier trial does": (
        "UPDATE retraining SET seed_number = 0"
    ),
    "filter/confirm/0 trial 2: its fresh seed 7 is not below the study's 2": "UPDATE retraining SET seed_number = 7 WHERE trial_id = 4",
    "filter/confirm/0: trial numbers have gaps (2 trials, the last is number 2)": "DELETE FROM trial WHERE id = 3",
}


@pytest.mark.parametrize("problem", TAMPERINGS)
def test_a_check_finds_what_was_tampered_with(tampered, problem):
    assert problem in tampered(TAMPERINGS[problem])


def test_a_check_finds_a_confirmation_of_a_trial_that_was_no_incumbent(store, add, confirm, path):
    add(0, 0.9)
    add(1, 0.8)
    confirm(Retraining(1, 0), {"accuracy": 0.8})
    store.close()
    assert check(path) == ["filter/confirm/0 trial 0: the trial that it retrains is not better than all earlier trials"]
