import math

import numpy as np
import pytest

from hpstudy.errors import UsageError
from hpstudy.store import Counts, Reader, summary
from hpstudy.store.single_trials import finished_keys
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm
from hpstudy.tasks.outcome import Failure, Outcome
from tests.support.databases import example_study, synthetic_database
from tests.support.trials import finish, start

LATENT = SearchKey("latent", 1)
LATENT_POINT = {"rate": 0.5, "decay": 0.25, "width": 32, "clipping": "none"}


@pytest.fixture
def reader(store, path):
    with Reader.open(path) as reader:
        yield reader


def test_a_reader_knows_the_study(reader, study, store):
    assert (reader.study, reader.fingerprint, reader.identity) == (study, study.fingerprint(), {"data": "abc"})
    assert reader.created_at <= reader.events()[0].at


def test_counts_of_a_new_database_are_zero(reader):
    assert reader.counts() == {view: Counts(8) for view in ("latent", "filter")}


def test_counts_are_by_view_and_state(reader, store, add, key, point):
    add(0)
    add(1, outcome=Outcome("diverged", {}))
    start(store, key, 2, point, 0.0)
    assert reader.counts()["filter"] == Counts(8, completed=1, diverged=1, running=1)


def test_counts_of_searches_are_in_run_order(reader, add, key):
    add(0)
    counts = reader.search_counts()
    assert list(counts) == [SearchKey(view, replicate) for replicate in (0, 1) for view in ("latent", "filter")]
    assert counts[key] == Counts(4, completed=1)


@pytest.mark.parametrize(("goal", "number"), [("maximize", 1), ("minimize", 2)])
def test_the_best_trial_follows_the_goal(path, goal, number):
    values = iter([0.5, 0.9, 0.1])
    study = example_study(trials=3, replicates=1, goal=goal)
    synthetic_database(path, study, objective=lambda *_: next(values, 0.5))
    with Reader.open(path) as reader:
        assert reader.best("latent").number == number


def test_the_best_trial_comes_with_its_point_and_metrics(reader, add, point):
    add(0, outcome=Outcome("completed", {"accuracy": 0.5, "loss": math.inf}), objective=0.5)
    best = reader.best("filter")
    assert (best.point, best.metrics, best.objective) == (point, {"accuracy": 0.5, "loss": math.inf}, 0.5)


def test_of_equal_trials_the_earliest_is_best(reader, add):
    add(0, 0.5)
    add(1, 0.5)
    assert reader.best("filter").number == 0


def test_of_equal_trials_of_two_searches_that_of_the_first_replicate_is_best(reader, add):
    add(0, 0.5, key=SearchKey("filter", 1))
    add(0, 0.25)
    add(1, 0.5)
    best = reader.best("filter")
    assert (best.replicate, best.number) == (0, 1)


def test_the_latest_trials_are_those_that_ended_last(reader, store, point, monkeypatch):
    keys = [SearchKey("filter", replicate) for replicate in range(2)]
    moments = (f"2999-01-01T00:00:0{second}.000Z" for second in range(9))
    monkeypatch.setattr("hpstudy.store.trial_writer.utc_now", lambda: next(moments))
    for key in keys:
        start(store, key, 0, point, 0.0)
    for key in reversed(keys):
        finish(store, key, 0, Outcome("completed", {"accuracy": 0.5}), 0.5)
    assert [trial.key for trial in reader.latest(2)] == keys
    assert [trial.key for trial in reader.latest(1)] == keys[:1]


def test_an_environment_counts_the_trials_that_ended_there(reader, store, add, key, point):
    store.begin_session({"machine": "here"})
    add(0)
    start(store, key, 1, point, 0.0)
    assert [environment.trials for environment in reader.environments()] == [1]


def test_trials_that_ended_in_the_given_moment_are_among_those_since(reader, add):
    add(0)
    add(1)
    with reader.snapshot() as connection:
        first, second = finished_keys(connection)
        assert finished_keys(connection, second.ended_at)[-1] == second
        assert finished_keys(connection, first.ended_at) == [first, second]


@pytest.mark.parametrize(("lockstep", "seeds", "longest_s"), [(1, 5, 8.0), (2, 5, 40.0), (2, None, 16.0), (8, 5, 64.0)])
def test_the_longest_step_has_all_trials_of_a_group_or_all_seeds_of_a_point(reader, add, study, lockstep, seeds, longest_s):
    add(0, outcome=Outcome("completed", {"accuracy": 0.5}, duration_s=8.0))
    search = study.search.model_copy(update={"lockstep": lockstep})
    asked = study.model_copy(update={"search": search, "confirm": seeds and Confirm(seeds=seeds)})
    with reader.snapshot() as connection:
        assert summary.time_limit_use(connection, asked) == (0, longest_s)


def test_a_diverged_trial_is_never_the_best(reader, store, key, point):
    start(store, key, 0, point, 0.0)
    finish(store, key, 0, Outcome("diverged", {"accuracy": 0.9}), 0.9)
    assert reader.best("filter") is None


def test_the_best_of_one_search_leaves_the_others_out(reader, add):
    add(0, 0.5)
    add(0, 0.9, key=SearchKey("filter", 1))
    assert reader.best("filter", 0).objective == 0.5


def test_the_best_of_a_misspelled_view_names_the_nearest(reader):
    with pytest.raises(UsageError, match="did you mean 'filter'"):
        reader.best("filtre")


def test_a_database_without_trials_has_all_columns(reader):
    assert list(reader.trials().columns) == [
        *("view", "replicate", "number", "state", "objective", "attempts", "ask_s", "evaluate_s", "started_at", "ended_at"),
        *("error_type", "error", "environment_id", "point.rate", "point.decay", "point.width", "point.clipping"),
    ]
    assert list(reader.curves().columns) == ["view", "replicate", "number", "metric", "epoch", "value"]


def test_trials_are_ordered_by_view_replicate_and_number(reader, add):
    add(0)
    add(0, key=LATENT, point=LATENT_POINT)
    add(1)
    trials = reader.trials()
    assert trials[["view", "replicate", "number"]].values.tolist() == [["latent", 1, 0], ["filter", 0, 0], ["filter", 0, 1]]


def test_a_hyperparameter_that_a_view_does_not_tune_is_missing(reader, add):
    add(0)
    add(0, key=LATENT, point=LATENT_POINT)
    points = reader.trials()[["point.rate", "point.width", "point.clipping"]]
    assert points.isna().values.tolist() == [[False, False, False], [False, True, True]]


def test_columns_have_the_types_of_their_hyperparameters(reader, add):
    add(0, key=LATENT, point=LATENT_POINT)
    types = reader.trials().dtypes
    assert [str(types[f"point.{name}"]) for name in ("rate", "width", "clipping")] == ["float64", "Int64", "object"]


def test_metrics_keep_infinities_and_the_sign_of_zero(reader, add):
    add(outcome=Outcome("completed", {"a": math.inf, "b": -math.inf, "c": -0.0, "d": math.nan}))
    row = reader.trials().iloc[0]
    assert [row["metric.a"], row["metric.b"], math.copysign(1, row["metric.c"])] == [math.inf, -math.inf, -1]
    assert math.isnan(row["metric.d"])


def test_a_metric_that_a_trial_has_not_is_missing(reader, add):
    add(0, outcome=Outcome("completed", {"a": 1.0}))
    add(1, outcome=Outcome("failed", {}, failure=Failure("ValueError", "no")))
    assert reader.trials()["metric.a"].isna().tolist() == [False, True]


def test_curves_are_ordered_by_trial_metric_and_epoch(reader, add):
    add(0, outcome=Outcome("completed", {}, ((2, "b", 4.0), (1, "b", 3.0), (1, "a", 1.0))))
    add(0, key=LATENT, point=LATENT_POINT, outcome=Outcome("completed", {}, ((1, "a", 0.0),)))
    assert reader.curves().values.tolist() == [
        ["latent", 1, 0, "a", 1, 0.0],
        ["filter", 0, 0, "a", 1, 1.0],
        ["filter", 0, 0, "b", 1, 3.0],
        ["filter", 0, 0, "b", 2, 4.0],
    ]


def test_one_metrics_curves_are_those_rows_of_all_curves(path):
    synthetic_database(path, example_study(), epochs=4, metrics=("a", "b"))
    with Reader.open(path) as reader:
        every = reader.curves()
        one = reader.curves("a")
    assert one.values.tolist() == every[every["metric"] == "a"].values.tolist()


def test_curves_of_a_misspelled_metric_name_the_nearest(reader, add):
    add(0)
    with pytest.raises(UsageError, match="did you mean 'accuracy'"):
        reader.curves("acuracy")


def test_trials_and_history_agree(path):
    synthetic_database(path, example_study(), diverged=0.2)
    with Reader.open(path) as reader:
        frame = reader.trials().query("view == 'latent' and replicate == 1")
        rows = reader.history(LATENT)
    assert frame["number"].tolist() == [row.number for row in rows]
    assert frame["point.width"].tolist() == [row.point["width"] for row in rows]
    assert np.array_equal(
        frame["objective"], [math.nan if row.objective is None else row.objective for row in rows], equal_nan=True
    )


def test_a_snapshot_sees_one_state_throughout(reader, add):
    add(0)
    with reader.snapshot():
        first = reader.counts()
        add(1)
        assert reader.counts() == first
        assert len(reader.trials()) == 1
    assert len(reader.trials()) == 2


def test_a_reader_can_be_closed_twice(reader):
    reader.close()
    reader.close()


def test_the_mean_seconds_of_a_trial_include_those_of_asking_and_those_of_a_training_do_not(reader, add, store, key, point):
    for number, seconds in enumerate((2.0, 4.0)):
        add(number, outcome=Outcome("completed", {}, duration_s=seconds))
    start(store, key, 2, point, 100.0)  # not finished: not counted
    assert reader.mean_train_s() == {"filter": 3.0}
    assert reader.mean_trial_s() == {"filter": pytest.approx(3.01)}


def test_attributes_of_one_trial_are_read_alone(store, add, key):
    add(0, outcome=Outcome("completed", {"accuracy": 0.5}, attributes={"answer": "first"}))
    add(1, outcome=Outcome("completed", {"accuracy": 0.5}, attributes={"answer": "second"}))
    with Reader.open(store.path) as reader:
        assert reader.trial_attributes(key, 1) == {"answer": "second"}
        assert reader.trial_attributes(key, 2) == {}
        assert [event.kind for event in reader.events()] == ["created", "attributes", "attributes"]
        assert [event.kind for event in reader.events(attributes=False)] == ["created"]
