import math
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpstudy.errors import StoreError, StudyChanged
from hpstudy.store import Reader, Store, TrialRow
from hpstudy.study.plan import SearchKey
from hpstudy.tasks.outcome import Failure, Outcome
from tests.support.databases import example_study
from tests.support.trials import attempt, finish, start


def query(store, sql, *arguments):
    return store._connection.execute(sql, arguments).fetchall()


def bits(number):
    return b"nan" if math.isnan(number) else struct.pack(">d", number)


def test_a_new_database_holds_the_study_exactly(store, study):
    assert store.study == study


def test_a_new_database_holds_identity_and_module_path(path, study):
    with Store.create(path, study, identity={"data": "abc"}, module_path="/home/me"):
        pass
    with Store.open(path) as store:
        assert (store.identity, store.module_path) == ({"data": "abc"}, "/home/me")


def test_a_search_without_trials_has_an_empty_history(store, key):
    assert store.history(key) == []


def test_a_started_trial_is_running_at_its_point(store, key, point):
    start(store, key, 0, point, 0.1)
    assert store.history(key) == [TrialRow(0, point, "running", None, 1)]


def test_a_started_trial_survives_without_closing(store, path, key, point):
    start(store, key, 0, point, 0.1)
    with Reader.open(path) as reader:
        assert reader.history(key) == store.history(key)


def test_a_finished_trial_has_its_objective(store, add, key, point):
    add(0, 0.75)
    assert store.history(key) == [TrialRow(0, point, "completed", 0.75, 1)]


def test_searches_have_histories_of_their_own(store, add, key):
    add(0, 0.75)
    assert store.history(SearchKey("filter", 1)) == []


@pytest.mark.parametrize("seconds", [-1e9, -math.inf, math.inf, math.nan])
def test_a_duration_that_could_not_be_read_again_is_stored_as_0(store, path, key, point, seconds):
    start(store, key, 0, point, seconds)
    finish(store, key, 0, Outcome("completed", {"accuracy": 0.5}, duration_s=seconds), 0.5)
    assert query(store, "SELECT ask_s, evaluate_s FROM trial") == [(0.0, 0.0)]
    with Reader.open(path) as reader:
        assert reader.trials()["objective"].tolist() == [0.5]


@pytest.mark.parametrize("state", ["diverged", "failed", "timed_out"])
def test_a_trial_without_a_value_has_no_objective(store, add, key, state):
    add(outcome=Outcome(state, {}))
    assert [(row.state, row.objective) for row in store.history(key)] == [(state, None)]


@pytest.mark.parametrize("objective", [math.nan, math.inf, -math.inf, -0.0, 5e-324])
def test_an_objective_keeps_its_bits(store, add, key, objective):
    add(0, objective)
    assert bits(store.history(key)[0].objective) == bits(objective)


def test_a_failure_keeps_its_type_message_and_traceback(store, add):
    add(outcome=Outcome("failed", {}, failure=Failure("ValueError", "no \ud800", "line 1\nline 2")))
    assert query(store, "SELECT error_type, error, traceback FROM trial") == [("ValueError", "no \\ud800", "line 1\nline 2")]


def test_a_finished_trial_keeps_its_costs_and_its_log(store, key, point):
    start(store, key, 0, point, 0.25)
    log = str(store.path.with_name("logs") / "a.log")
    finish(store, key, 0, Outcome("completed", {}, duration_s=2.5, peak_rss_mib=300.0, log_path=log), 1.0)
    assert query(store, "SELECT ask_s, evaluate_s, peak_rss_mib, log_path FROM trial") == [(0.25, 2.5, 300.0, "logs/a.log")]


def test_of_two_reports_of_one_epoch_the_later_counts(store, add):
    add(outcome=Outcome("completed", {}, ((1, "loss", 3.0), (1, "loss", 2.0))))
    assert query(store, "SELECT value FROM curve") == [(2.0,)]


@given(values=st.lists(st.floats(width=64), max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_metrics_and_curves_keep_their_bits(store, values):
    key = SearchKey("latent", 0)
    number = len(store.history(key))
    start(store, key, number, store.study.views["latent"].space.default(), 0.0)
    curves = tuple((epoch, "loss", value) for epoch, value in enumerate(values))
    finish(store, key, number, Outcome("completed", {f"m{i}": v for i, v in enumerate(values)}, curves), None)
    with Reader.open(store.path) as reader:
        curve = reader.curves()
        finals = reader.trials().query("number == @number").iloc[0]
        stored = curve[curve["number"] == number]["value"] if values else []
    assert [bits(value) for value in stored] == [bits(value) for value in values]
    assert [bits(finals[f"metric.m{i}"]) for i in range(len(values))] == [bits(value) for value in values]


def test_trials_start_in_order(store, key, point):
    with pytest.raises(StoreError, match=r"trial 1 of filter/0 cannot be started .* the next one is 0"):
        start(store, key, 1, point, 0.0)


def test_a_trial_starts_once(store, key, point):
    start(store, key, 0, point, 0.0)
    with pytest.raises(StoreError, match="the next one is 1"):
        start(store, key, 0, point, 0.0)


def test_a_trial_ends_once(store, add, key):
    add(0, 0.5)
    with pytest.raises(StoreError, match="trial 0 of filter/0 is not running"):
        finish(store, key, 0, Outcome("completed", {}), 0.9)


def test_a_trial_that_never_started_cannot_end(store, key):
    with pytest.raises(StoreError, match="is not running"):
        finish(store, key, 0, Outcome("completed", {}), 0.9)


@pytest.mark.parametrize("unknown", [SearchKey("filter", 2), SearchKey("filtre", 0)])
def test_a_search_outside_the_study_is_refused(store, point, unknown):
    with pytest.raises(StoreError, match="has no search"):
        start(store, unknown, 0, point, 0.0)


def test_another_attempt_is_counted_and_gives_its_reason(store, key, point):
    start(store, key, 0, point, 0.0)
    attempt(store, key, 0, "the worker died")
    assert store.history(key)[0].attempts == 2
    with Reader.open(store.path) as reader:
        event = reader.events()[-1]
    assert (event.kind, event.detail["reason"]) == ("attempt", "the worker died")


def test_another_attempt_has_the_start_and_the_environment_of_its_session(store, key, point, monkeypatch):
    store.begin_session({"torch": "2.6"})
    start(store, key, 0, point, 0.0)
    second = store.begin_session({"torch": "2.7"})
    monkeypatch.setattr("hpstudy.store.trial_writer.utc_now", lambda: "2999-01-01T00:00:00.000Z")
    attempt(store, key, 0, "the session ended")
    assert query(store, "SELECT started_at, environment_id FROM trial") == [("2999-01-01T00:00:00.000Z", second)]


def test_only_a_running_trial_is_attempted_again(store, add, key):
    add(0)
    with pytest.raises(StoreError, match="is not running"):
        attempt(store, key, 0, "the worker died")


def test_a_trial_refers_to_the_environment_it_ran_in(store, add):
    store.begin_session({"torch": "2.6"})
    second = store.begin_session({"torch": "2.7"})
    add(0)
    assert query(store, "SELECT environment_id FROM trial") == [(second,)]


def test_a_session_ends_when_the_store_is_closed(path, study):
    with Store.create(path, study) as store:
        store.begin_session({"torch": "2.6"})
    with Reader.open(path) as reader:
        (environment,) = reader.environments()
    assert environment.detail == {"torch": "2.6"}
    assert environment.ended_at >= environment.started_at


def test_an_event_keeps_its_particulars(store):
    store.event("interrupted", signal=2, running=["a", "b"])
    with Reader.open(store.path) as reader:
        assert reader.events()[-1].detail == {"signal": 2, "running": ["a", "b"]}


def test_a_study_may_grow(store, study):
    larger = example_study(trials=6, replicates=3)
    store.grow(larger)
    start(store, SearchKey("latent", 2), 0, {}, 0.0)
    with Reader.open(store.path) as reader:
        assert reader.study == larger == store.study


def test_growing_keeps_trials(store, add, key):
    add(0, 0.5)
    store.grow(example_study(trials=6, replicates=3))
    assert len(store.history(key)) == 1


def test_growing_by_nothing_is_no_event(store, study):
    store.grow(study)
    with Reader.open(store.path) as reader:
        assert [event.kind for event in reader.events()] == ["created"]


@pytest.mark.parametrize("size", [{"trials": 3, "replicates": 2}, {"trials": 4, "replicates": 1}])
def test_a_study_cannot_shrink(store, size):
    with pytest.raises(StudyChanged, match="may grow, not shrink"):
        store.grow(example_study(**size))


def test_a_study_that_would_give_other_numbers_is_refused(store):
    with pytest.raises(StudyChanged, match="seed: 0 -> 1"):
        store.grow(example_study(trials=4, replicates=2, seed=1))


def test_closing_twice_does_no_harm(store):
    store.close()
    store.close()
