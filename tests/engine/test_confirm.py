from concurrent.futures import Future

import numpy as np
import pytest

from hpstudy.engine.confirm import Confirmer, confirm_study
from hpstudy.engine.confirm_progress import ConfirmLines, ConfirmObserver
from hpstudy.engine.executors import EXECUTORS, Executor, StepTimedOut, WorkerDied
from hpstudy.engine.inline import InlineExecutor
from hpstudy.engine.step import EvaluateRequest, RetrainRequest, evaluate, fresh_seed, retrain, train_seed
from hpstudy.engine.stop import Aborted
from hpstudy.engine.trainings import incumbent
from hpstudy.errors import StoreBusy, StudyBroken, StudyChanged, UsageError
from hpstudy.seeds import derive_seed
from hpstudy.store import Confirmed, Reader, Store, TrialRow, check
from hpstudy.study.modules import module_path
from hpstudy.study.plan import SearchKey
from tests.support.databases import example_study

TRAININGS = 6 * 3
"""Of the study `tiny` (2 views x 2 replicates) on 3 fresh seeds: 4 incumbents and 2 default points."""


def confirmed(path):
    """All that the trainings on fresh seeds measured, without times and attempts."""
    with Reader.open(path) as reader:
        return reader.confirmations()


@pytest.fixture
def confirm(storage, tmp_path):
    """Confirm the study in the test's database, inline, on 3 seeds."""

    def confirm(**options):
        with module_path(str(tmp_path)):
            return confirm_study(storage, **{"executor": "inline", "folder": str(tmp_path), "seeds": 3, **options})

    return confirm


@pytest.fixture
def complete(run, make_study, storage):
    """The path of a database whose study is complete."""
    run(make_study())
    return storage


class Stopping(ConfirmObserver):
    """Raises after some trainings, as if the process were killed before it could do anything else."""

    def __init__(self, after):
        self.left = after

    def training_finished(self, of, seed_number, outcome, objective):
        self.left -= 1
        if not self.left:
            raise Aborted


def test_every_incumbent_and_default_point_is_trained_on_every_seed(confirm, complete):
    summary = confirm()
    assert (summary.complete, summary.trainings.points, summary.trainings.planned, summary.ran) == (True, 6, TRAININGS, TRAININGS)
    rows = confirmed(complete)
    places = {
        (view, str(replicate), seed) for view, replicate, seed in zip(rows.view, rows.replicate, rows.seed_number, strict=True)
    }
    assert places == {(view, r, seed) for view in ("both", "one") for r in ("nan", "0.0", "1.0") for seed in range(3)}


def test_what_is_confirmed_is_the_best_trial_of_each_search(confirm, complete):
    confirm()
    with Reader.open(complete) as reader:
        best = {(v, r): reader.best(v, r).number for v in ("both", "one") for r in range(2)}
        rows = reader.confirmations().dropna(subset="replicate")
    assert {(row.view, row.replicate): row.number for row in rows.itertuples()} == best


def test_the_values_are_those_of_the_points_on_the_fresh_seeds(confirm, complete):
    confirm()
    with Reader.open(complete) as reader:
        point, study = reader.best("both", 1).point, reader.study
    rows = confirmed(complete).query("view == 'both' and replicate == 1")
    from hpstudy.loading.make import make_task

    seeds = [derive_seed(study.seed, "confirm", number) for number in range(3)]
    expected = [make_task(study.task).evaluate(study.views["both"], point, seed, None)["value"] for seed in seeds]
    assert rows.objective.tolist() == expected


def test_the_default_points_are_confirmed_on_the_same_seeds(confirm, complete):
    confirm()
    rows = confirmed(complete)
    # Branin's noise depends on the seed alone.
    noise = (rows["metric.value"] - rows["metric.true_value"]).to_numpy().reshape(6, 3)
    np.testing.assert_allclose(noise, np.broadcast_to(noise[0], noise.shape), atol=1e-9)


def test_no_training_of_the_study_has_a_fresh_seed(make_study):
    study = make_study(trials=50, replicates=20)
    fresh = {fresh_seed(study, number) for number in range(100)}
    assert len(fresh) == 100
    assert not fresh & {train_seed(study, replicate, number) for replicate in range(20) for number in range(50)}


def test_retraining_and_evaluating_differ_in_the_seed_alone(make_study):
    study = make_study()
    point = {"x1": 1.0, "x2": 2.0}
    again = retrain(RetrainRequest(study.to_json(), "both", point, 0, None))
    first = evaluate(EvaluateRequest(study.to_json(), SearchKey("both", 0), 0, point, None))
    assert again.metrics["true_value"] == first.metrics["true_value"]
    assert again.metrics["value"] != first.metrics["value"]


def test_confirming_again_trains_nothing(confirm, complete):
    confirm()
    before = confirmed(complete)
    assert confirm().ran == 0
    assert confirmed(complete).equals(before)


def test_more_seeds_only_add(confirm, complete):
    confirm(seeds=1)
    before = confirmed(complete)
    assert confirm(seeds=3).ran == TRAININGS - 6
    assert confirmed(complete).query("seed_number == 0").reset_index(drop=True).equals(before)


def test_fewer_seeds_take_nothing_away(confirm, complete):
    confirm()
    summary = confirm(seeds=2)
    assert (summary.complete, summary.ran, len(confirmed(complete))) == (True, 0, TRAININGS)


@pytest.mark.parametrize("after", [1, 7, 17])
def test_a_confirmation_that_was_broken_off_ends_with_the_same_rows(confirm, complete, after):
    confirm()
    whole = confirmed(complete)
    with Store.open(complete) as store, store._database.transaction() as connection:
        connection.execute("DELETE FROM confirmation")
    with pytest.raises(Aborted):
        confirm(observer=Stopping(after))
    assert len(confirmed(complete)) == after
    assert confirm().ran == TRAININGS - after
    assert confirmed(complete).equals(whole)


def test_a_training_that_was_under_way_when_the_process_died_is_trained_again(confirm, complete):
    confirm()
    whole = confirmed(complete)
    with Store.open(complete) as store, store._database.transaction() as connection:
        connection.execute("DELETE FROM confirmation_value WHERE confirmation_id = 2")
        connection.execute(
            "UPDATE confirmation SET state = 'running', objective = NULL, objective_kind = NULL, ended_at = NULL WHERE id = 2"
        )
    assert confirm().ran == 1
    assert confirmed(complete).equals(whole)
    with Store.open(complete) as store:
        assert [row.attempts for row in store.confirmations()][:3] == [1, 2, 1]


def test_a_stop_leaves_the_rest_for_later(confirm, complete, monkeypatch):
    class Pausing(InlineExecutor):
        def submit(self, call, request, timeout_s=None):
            if request.seed_number == 1:
                confirmers[0].stop.request()
            return super().submit(call, request, timeout_s)

    confirmers = []
    run = Confirmer.run
    monkeypatch.setattr(Confirmer, "run", lambda self: (confirmers.append(self), run(self)))
    monkeypatch.setattr(EXECUTORS, "load", lambda name: Pausing)
    summary = confirm()
    assert (summary.interrupted, summary.complete, summary.trainings.done) == (True, False, 7)
    assert "interrupted: 7 of 18 trainings" in summary.sentence()
    monkeypatch.undo()
    assert confirm().ran == TRAININGS - 7


def test_seeds_are_finished_one_after_another(confirm, complete):
    order = []

    class Noting(ConfirmObserver):
        def training_finished(self, of, seed_number, outcome, objective):
            order.append((seed_number, of))

    confirm(observer=Noting())
    assert [seed for seed, _ in order] == sorted(seed for seed, _ in order)
    assert [of for _, of in order[:2]] == [Confirmed("both"), Confirmed("one")]


def test_incomplete_searches_are_left_out_and_named(confirm, run, make_study, storage):
    run(make_study(replicates=1))
    with Store.open(storage) as store:
        store.grow(make_study(replicates=2))
    notes = []

    class Noting(ConfirmObserver):
        def note(self, text):
            notes.append(text)

    summary = confirm(observer=Noting())
    assert summary.left_out == (SearchKey("both", 1), SearchKey("one", 1))
    assert "both/1, one/1" in notes[0]
    assert (summary.complete, summary.trainings.points) == (True, 4)


def test_a_study_that_grew_is_confirmed_for_its_new_incumbents(confirm, run, make_study, complete):
    confirm()
    run(make_study(trials=12))
    confirm()
    with Reader.open(complete) as reader:
        best = {(view, replicate, reader.best(view, replicate).number) for view in ("both", "one") for replicate in range(2)}
        rows = reader.confirmations().dropna(subset="replicate")
    assert best <= set(zip(rows.view, rows.replicate, rows.number, strict=True))
    assert not rows.duplicated(["view", "replicate", "number", "seed_number"]).any()


def test_a_study_without_a_complete_search_is_refused(confirm, storage):
    Store.create(storage, example_study()).close()
    with pytest.raises(UsageError, match="no complete search"):
        confirm()


def test_a_sweep_is_refused(confirm, run, make_study, storage, monkeypatch):
    run(make_study())
    monkeypatch.setattr("hpstudy.engine.confirm.is_sweep", lambda study: True)
    with pytest.raises(UsageError, match="is a sweep"):
        confirm()


def test_a_database_that_is_in_use_is_refused(confirm, complete):
    with Store.open(complete), pytest.raises(StoreBusy):
        confirm()


def test_the_session_is_recorded(confirm, complete):
    confirm()
    with Reader.open(complete) as reader:
        assert len(reader.environments()) == 2
        assert reader.owner() is None


def test_a_confirmed_database_has_no_problems(confirm, complete):
    confirm()
    assert check(complete) == []


def test_changed_code_is_refused_unless_allowed(confirm, run, make_study, write_module):
    use = write_module("def f(params, seed): return params['x1']")
    run(make_study(use=use))
    write_module("def f(params, seed): return 2 * params['x1']")
    with pytest.raises(StudyChanged, match="source of"):
        confirm()
    assert confirm(allow_changed_code=True).complete


def test_trainings_without_a_value_are_counted(confirm, run, make_study, write_module, storage):
    run(
        make_study(
            use=write_module(
                "calls = []\ndef f(params, seed):\n    calls.append(1)\n    return 1.0 if len(calls) <= 13 else 1 / 0"
            )
        )
    )
    summary = confirm(seeds=1)
    assert summary.complete
    assert (summary.trainings.counts["completed"], summary.trainings.counts["failed"]) == (1, 5)


def test_a_confirmation_in_which_everything_fails_is_broken_off(confirm, run, make_study, write_module):
    code = "calls = []\ndef f(params, seed):\n    calls.append(1)\n    return 1.0 if len(calls) <= 12 else 1 / 0"
    run(make_study(use=write_module(code), limits={"max_failures": 2}))
    with pytest.raises(StudyBroken, match="ZeroDivisionError"):
        confirm()


def test_the_incumbent_is_the_first_of_the_best_trials(make_study):
    def rows(*objectives):
        states = ["completed" if value is not None else "diverged" for value in objectives]
        return [TrialRow(n, {}, state, value, 1) for n, (state, value) in enumerate(zip(states, objectives, strict=True))]

    assert incumbent(make_study(), rows(2.0, 1.0, 1.0)).number == 1
    assert incumbent(make_study(goal="maximize"), rows(2.0, 3.0, 3.0)).number == 1
    assert incumbent(make_study(), rows(None, 4.0, None)).number == 1
    assert incumbent(make_study(), rows(None, None, None)) is None
    assert incumbent(make_study(), rows(1.0, 2.0)) is None


class Failing(Executor):
    """Fails the first steps with an error, then runs them here."""

    def __init__(self, error, times):
        super().__init__(1)
        self.error, self.times = error, times

    def submit(self, call, request, timeout_s=None):
        future = Future()
        self.times -= 1
        if self.times >= 0:
            future.set_exception(self.error)
        else:
            future.set_result(call(request))
        return future

    def close(self, *, abort=False):
        pass


@pytest.mark.parametrize(
    ("error", "times", "state", "attempts"),
    [
        (WorkerDied("killed"), 2, "completed", 3),
        (WorkerDied("killed"), 3, "failed", 3),
        (StepTimedOut("too slow"), 1, "timed_out", 1),
    ],
    ids=str,
)
def test_a_step_without_an_answer_is_tried_again_or_given_up(confirm, complete, monkeypatch, error, times, state, attempts):
    monkeypatch.setattr(EXECUTORS, "load", lambda name: lambda workers, logs: Failing(error, times))
    assert confirm().complete
    with Store.open(complete) as store:
        first = store.confirmations()[0]
    assert (first.state, first.attempts) == (state, attempts)


def test_progress_says_what_is_left_and_every_training_when_verbose(confirm, complete, capsys):
    import sys

    confirm(observer=ConfirmLines(sys.stderr, verbose=True))
    said = capsys.readouterr().err
    assert "6 points on 3 fresh seeds: 18 of 18 trainings to run, 1 worker\n" in said
    assert "both, default point, fresh seed 2: completed" in said
    assert "[6/18]" in said
