import multiprocessing
import os
import signal
from concurrent.futures import Future

import numpy as np
import pytest

from hpstudy.engine.confirm import confirm_study
from hpstudy.engine.executors import EXECUTORS, Executor, StepTimedOut, WorkerDied
from hpstudy.engine.inline import InlineExecutor
from hpstudy.engine.options import RunOptions
from hpstudy.engine.progress import Lines, Observer
from hpstudy.engine.run import run_study
from hpstudy.engine.scheduler import Scheduler
from hpstudy.engine.stop import Aborted
from hpstudy.engine.trial_seeds import training_seed
from hpstudy.errors import StoreBusy, StudyBroken, StudyChanged, UsageError
from hpstudy.loading.bind import bind
from hpstudy.seeds import derive_seed
from hpstudy.store import Reader, Store, TrialRow, check, incumbent, is_complete
from hpstudy.store.listing import listed
from hpstudy.store.seals import seal_all
from hpstudy.study.confirm import Retraining
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm
from tests.support.plans import planned_confirmations
from tests.support.steps import evaluate_one, evaluation

TRAININGS = 6 * 3
"""Of the study `tiny` (2 views x 2 replicates) on 3 fresh seeds: 4 incumbents and 2 default points."""


def confirmed(path):
    """All that the trainings on fresh seeds measured, without times and attempts."""
    with Reader.open(path) as reader:
        return reader.confirmations()


@pytest.fixture
def confirm(storage, tmp_path):
    """Confirm the study in the test's database, inline, on 3 seeds."""

    def confirm(seeds=3, **options):
        options = RunOptions(**{"executor": "inline", **options})
        with Reader.open(storage) as reader:
            loaded = bind(reader.study, str(tmp_path))
        return confirm_study(loaded, storage, options, Confirm(seeds=seeds))

    return confirm


@pytest.fixture
def complete(run, make_study, storage):
    """The path of a database whose study is complete."""
    run(make_study())
    return storage


def stored(path):
    """Every number of the confirmations as trials, with their numbers and learning curves."""
    with Reader.open(path) as reader:
        trials, curves = reader.trials(), reader.curves()
    kept = [
        name
        for name in trials
        if name in ("view", "replicate", "number", "state", "objective", "seed_number", "retrains") or "." in name
    ]
    of = [frame[frame["view"].str.endswith("/confirm")].reset_index(drop=True) for frame in (trials[kept], curves)]
    assert len(of[0])
    return of


def same(a, b):
    return all(one.equals(other) for one, other in zip(a, b, strict=True))


class Stopping(Observer):
    """Raises after some trainings, as if the process were killed before it could do anything else."""

    def __init__(self, after):
        self.left = after

    def trial_finished(self, search, trial, outcome):
        self.left -= 1
        if not self.left:
            raise Aborted


def test_every_incumbent_and_default_point_is_trained_on_every_seed(confirm, complete):
    summary = confirm()
    assert (summary.complete, summary.counts.planned, summary.ran) == (True, TRAININGS, TRAININGS)
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
    fresh = {training_seed(study, 0, 0, number) for number in range(100)}
    assert len(fresh) == 100
    assert not fresh & {training_seed(study, replicate, number) for replicate in range(20) for number in range(50)}


def test_retraining_and_evaluating_differ_in_the_seed_alone(make_study):
    study = make_study()
    point = {"x1": 1.0, "x2": 2.0}
    again = evaluate_one(evaluation(study.to_json(), SearchKey("both", 0), 0, point, None, seed_number=0))
    first = evaluate_one(evaluation(study.to_json(), SearchKey("both", 0), 0, point, None))
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
    whole, trials = confirmed(complete), stored(complete)
    with Store.open(complete) as store, store._database.transaction() as connection:
        connection.execute("DELETE FROM trial WHERE id IN (SELECT trial_id FROM retraining)")
        seal_all(connection)
    with pytest.raises(Aborted):
        confirm(observer=Stopping(after))
    assert len(confirmed(complete)) == after
    assert confirm().ran == TRAININGS - after
    assert confirmed(complete).equals(whole)
    assert same(stored(complete), trials)


def test_a_training_that_was_under_way_when_the_process_died_is_trained_again(confirm, complete):
    confirm()
    whole = confirmed(complete)
    with Store.open(complete) as store, store._database.transaction() as connection:
        (trial,) = connection.execute("SELECT min(trial_id) + 1 FROM retraining").fetchone()
        connection.execute("DELETE FROM metric_value WHERE trial_id = ?", (trial,))
        connection.execute(
            "UPDATE trial SET state = 'running', objective = NULL, objective_kind = NULL, ended_at = NULL WHERE id = ?", (trial,)
        )
        seal_all(connection)
    assert confirm().ran == 1
    assert confirmed(complete).equals(whole)
    with Reader.open(complete) as reader:
        rows = [row for view in ("both/confirm", "one/confirm") for r in range(2) for row in reader.history(SearchKey(view, r))]
    assert sorted(row.attempts for row in rows) == [1] * (TRAININGS - 1) + [2]


def test_a_stop_leaves_the_rest_for_later(confirm, complete, monkeypatch):
    class Pausing(InlineExecutor):
        def submit(self, call, request, timeout_s=None):
            if request.trials[0].seed_number == 1:
                schedulers[0].stop.request()
            return super().submit(call, request, timeout_s)

    schedulers = []
    run = Scheduler.run
    monkeypatch.setattr(Scheduler, "run", lambda self: (schedulers.append(self), run(self)))
    monkeypatch.setattr(EXECUTORS, "load", lambda name: Pausing)
    summary = confirm()
    assert (summary.interrupted, summary.complete, summary.counts.finished) == (True, False, 7)
    assert "interrupted: 7 of 18 trials" in summary.sentence()
    monkeypatch.undo()
    assert confirm().ran == TRAININGS - 7


def test_seeds_are_finished_one_after_another(confirm, complete):
    order = []

    class Noting(Observer):
        def trial_finished(self, search, trial, outcome):
            order.append((trial.retrained.seed_number, search.view, trial.retrained.number is None))

    confirm(observer=Noting())
    assert [seed for seed, _, _ in order] == sorted(seed for seed, _, _ in order)
    assert [next(default for _, view, default in order if view == name) for name in ("both/confirm", "one/confirm")] == [
        True,
        True,
    ]


def test_incomplete_searches_are_left_out_and_named(confirm, run, make_study, storage):
    run(make_study(replicates=1))
    with Store.open(storage) as store:
        store.grow(make_study(replicates=2))
    notes = []

    class Noting(Observer):
        def note(self, text):
            notes.append(text)

    summary = confirm(observer=Noting())
    assert notes == ["not confirmed, because incomplete or without a value: both/1, one/1"]
    assert (summary.complete, summary.counts.planned) == (True, 4 * 3)


def test_a_study_that_grew_is_confirmed_for_its_new_incumbents(confirm, run, make_study, complete):
    confirm()
    run(make_study(trials=12))
    confirm()
    with Reader.open(complete) as reader:
        best = {(view, replicate, reader.best(view, replicate).number) for view in ("both", "one") for replicate in range(2)}
        rows = reader.confirmations().dropna(subset="replicate")
    assert best <= set(zip(rows.view, rows.replicate, rows.number, strict=True))
    assert not rows.duplicated(["view", "replicate", "number", "seed_number"]).any()


def test_a_study_without_a_complete_search_is_refused(confirm, make_study, storage):
    Store.create(storage, bind(make_study()).study).close()
    with pytest.raises(UsageError, match="no complete search"):
        confirm()


def test_a_sweep_is_refused(confirm, run, make_study, storage, monkeypatch):
    run(make_study())
    monkeypatch.setattr("hpstudy.search.random.RandomSearcher.lists_points", True)
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
    assert (summary.counts.completed, summary.counts.failed) == (1, 5)


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
    assert not is_complete(make_study(), rows(1.0, 2.0))
    assert not is_complete(make_study(), [*rows(1.0, 2.0), TrialRow(2, {}, "running", None, 1)])
    assert is_complete(make_study(), rows(None, 1.0, 2.0))


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
    class Chosen(Failing):
        def __init__(self, workers, logs):
            super().__init__(error, times)

    monkeypatch.setattr(EXECUTORS, "load", lambda name: Chosen)
    assert confirm().complete
    with Store.open(complete) as store:
        first = store.history(SearchKey("both/confirm", 0))[0]
    assert (first.state, first.attempts) == (state, attempts)


def test_progress_says_what_is_left_and_every_training_when_verbose(confirm, complete, capsys):
    import sys

    confirm(observer=Lines(sys.stderr, verbose=True))
    said = capsys.readouterr().err
    assert "tiny: 18 of 18 trials to run, 1 worker\n" in said
    assert "both/confirm, replicate 0, trial 4 (default point on fresh seed 2): completed" in said
    assert ") both/confirm" not in said
    assert "/18] both/confirm, replicate 0: mean value " in said
    assert sum(line.startswith("[") for line in said.splitlines()) == 4


def asked(study, seeds):
    return study.model_copy(update={"confirm": Confirm(seeds=seeds)})


def test_a_study_that_asks_for_confirmations_runs_them_once_their_search_is_complete(run, confirm, make_study, storage):
    order = []

    class Noting(Observer):
        def trial_finished(self, search, trial, outcome):
            order.append((search.view, search.replicate, trial.retrained is not None))

    summary = run(asked(make_study(), 3), observer=Noting())
    assert (summary.complete, summary.counts.planned, summary.ran) == (True, 12 + TRAININGS, 12 + TRAININGS)
    assert [listed for _, _, listed in order] == [False] * 12 + [True] * TRAININGS
    as_part = stored(storage)
    storage.unlink()
    run(make_study())
    confirm()
    assert same(stored(storage), as_part)


def test_with_more_workers_than_searches_left_confirmations_start_before_the_last_search_ends(
    run, make_study, storage, monkeypatch
):
    class Wide(InlineExecutor):
        def __init__(self, workers=1, logs=None):
            super().__init__()
            self.workers = 3

    monkeypatch.setattr(EXECUTORS, "load", lambda name: Wide)
    order = []

    class Noting(Observer):
        def trial_finished(self, search, trial, outcome):
            order.append(trial.retrained is not None)

    assert run(asked(make_study(), 3), observer=Noting()).complete
    last_searched = len(order) - 1 - order[::-1].index(False)
    assert order.index(True) < last_searched
    assert check(storage) == []


class KillAfter(Observer):
    """Kills this process after this many trials."""

    def __init__(self, trials):
        self.left = trials

    def trial_finished(self, search, trial, outcome):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("trials", [11, 13, 25])
def test_a_run_killed_in_its_confirmations_resumes_to_the_same_numbers(run, make_study, storage, trials):
    study = asked(make_study(), 3)
    process = multiprocessing.get_context("fork").Process(
        target=run_study, args=(bind(study), storage, RunOptions(executor="inline", observer=KillAfter(trials)))
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert run(study).ran == 12 + TRAININGS - trials
    resumed = stored(storage)
    storage.unlink()
    run(study)
    assert same(stored(storage), resumed)


def test_the_database_keeps_confirmations_that_the_study_file_does_not_ask_for(run, confirm, make_study, complete):
    confirm()
    summary = run(make_study(replicates=3))
    assert (summary.complete, summary.counts.planned) == (True, 18 + 8 * 3)
    with Reader.open(complete) as reader:
        assert reader.study.confirm == Confirm(seeds=3)
        changed = [event.detail["changes"] for event in reader.events() if event.kind == "study_changed"]
    assert changed == [["confirm.seeds: absent -> 3"], ["replicates: 2 -> 3"]]


def test_fewer_seeds_in_the_study_file_are_refused(run, confirm, make_study, complete):
    confirm()
    with pytest.raises(StudyChanged, match=r"confirm.seeds: 3 -> 2 \(may grow, not shrink\)"):
        run(asked(make_study(), 2))


def test_what_is_listed_is_the_default_point_once_and_the_incumbent_seed_by_seed(make_study):
    study = asked(make_study(), 2)
    rows = [TrialRow(n, {"x1": n}, "completed", value, 1) for n, value in enumerate((2.0, 1.0, 3.0))]
    first = listed(study, arms(study)["one/confirm"], 0, rows, [])
    assert list(first) == [Retraining(None, 0), Retraining(1, 0), Retraining(None, 1), Retraining(1, 1)]
    assert first == {**first, Retraining(1, 1): {"x1": 1}, Retraining(None, 0): study.views["one"].space.default()}
    assert list(listed(study, arms(study)["one/confirm"], 1, rows, [])) == [Retraining(1, 0), Retraining(1, 1)]


def test_what_is_stored_is_not_listed_and_another_incumbent_is_added(make_study):
    study = asked(make_study(trials=4), 2)
    rows = [TrialRow(n, {"x1": n}, "completed", value, 1) for n, value in enumerate((2.0, 1.0, 3.0, 0.0))]
    done = [TrialRow(n, {}, "completed", 1.0, 1, Retraining(1, n)) for n in range(2)]
    assert list(listed(study, arms(study)["one/confirm"], 1, rows, done)) == [Retraining(3, 0), Retraining(3, 1)]
    failed = [TrialRow(n, {}, "failed", None, 1) for n in range(4)]
    # As long as nothing better is found, the third search has nothing to add; replicate 0 also has the default point.
    counts = planned_confirmations(study, "one", [[], rows, rows[:3], [], failed], [[], done, done, [], []])
    assert counts == [(4, 0), (4, 0), (2, 0), (2, 0), (0, 0)]


def test_status_counts_what_is_stored_and_what_is_listed(run, confirm, make_study, complete):
    confirm(seeds=1)
    with Store.open(complete) as store:
        store.grow(asked(make_study(replicates=3), 2))
    with Reader.open(complete) as reader:
        counts = reader.counts()["both/confirm"]
    assert (counts.planned, counts.completed) == (4 * 2, 3)


def test_learning_curves_of_confirmations_are_kept(run, confirm, make_study, write_module, storage):
    run(make_study(use=write_module("def f(params, seed, report):\n    report(1, loss=float(seed % 7))\n    return 1.0")))
    confirm(seeds=1)
    with Reader.open(storage) as reader:
        curves = reader.curves()
    own = curves[curves["view"].str.endswith("/confirm")]
    assert len(own) == 6
    assert set(own["value"]) == {float(derive_seed(0, "confirm", 0) % 7)}
