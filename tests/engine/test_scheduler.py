import math
import pickle
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import pytest

from hpstudy.engine import history
from hpstudy.engine.executors import Executor, OutOfResources, StepTimedOut, WorkerDied
from hpstudy.engine.progress import Observer
from hpstudy.engine.requests import AskRequest, EvaluateRequest, Evaluation
from hpstudy.engine.running_steps import WrongAnswer
from hpstudy.engine.scheduler import Scheduler
from hpstudy.engine.stop import StopSignal
from hpstudy.errors import HpstudyError, StoreError, StudyBroken
from hpstudy.search.random import RandomSearcher
from hpstudy.store import Store
from hpstudy.study.plan import Plan, SearchKey
from hpstudy.tasks.outcome import Failure, Outcome


class Scripted(Executor):
    """Runs steps here when they are submitted; `script(kind, request)` may return or raise something else instead."""

    def __init__(self, workers=1, script=lambda kind, request: None):
        super().__init__(workers)
        self.script = script
        self.steps = []

    def submit(self, call, request, timeout_s=None):
        kind, trials = ("ask", _asked(request)) if isinstance(request, AskRequest) else ("evaluate", request.trials)
        self.steps += [(kind, trial.search.view, trial.search.replicate, trial.number) for trial in trials]
        future = Future()
        try:
            outcomes = tuple(self.script(kind, trial) for trial in trials)
            future.set_result(Evaluation(request.keys, outcomes) if any(outcomes) else call(request))
        except (WorkerDied, StepTimedOut, OutOfResources, LookupError) as error:
            future.set_exception(error)
        return future

    def close(self, *, abort=False):
        pass

    def evaluations(self):
        return [step[1:] for step in self.steps if step[0] == "evaluate"]


def _asked(request):
    """The trials of a request for points, with the history of each."""
    return [
        SimpleNamespace(search=search, number=request.number, history=history, request=request)
        for search, history in zip(request.searches, request.histories, strict=True)
    ]


@pytest.fixture
def schedule(storage):
    """Run a study with a scripted executor; returns the executor."""

    def schedule(study, script=lambda kind, request: None, *, workers=1, stop=None, observer=None):
        executor = Scripted(workers, script)
        with Store.open(storage) if storage.exists() else Store.create(storage, study) as store:
            store.begin_session({})
            Scheduler(store, executor, observer or Observer(), stop or StopSignal()).run()
        return executor

    return schedule


def raises(error, *, kind="evaluate", times=10**6, where=lambda request: True):
    """A script that raises `error` the first few times."""
    left = [times]

    def script(this, request):
        if this == kind and left[0] and where(request):
            left[0] -= 1
            raise error

    return script


@pytest.fixture
def reads_history(monkeypatch):
    """Random search takes the history that it does not need."""
    monkeypatch.setattr(RandomSearcher, "reads_history", True)


def test_every_planned_trial_is_run(schedule, make_study, measured, storage):
    schedule(make_study())
    expected = {(view, replicate, number) for view in ("both", "one") for replicate in range(2) for number in range(3)}
    assert set(measured(storage)) == expected


def test_searches_run_replicate_by_replicate(schedule, make_study):
    order = schedule(make_study(trials=2)).evaluations()
    assert order == [(view, replicate, n) for replicate in range(2) for view in ("both", "one") for n in range(2)]


def test_two_workers_advance_the_first_two_searches(schedule, make_study):
    order = schedule(make_study(trials=2, replicates=20), workers=2).evaluations()
    assert {step[1] for step in order[:4]} == {0}


def test_a_trial_is_stored_as_running_before_it_is_evaluated(schedule, make_study, measured, storage):
    states = []
    schedule(
        make_study(trials=1, replicates=1),
        lambda kind, request: states.append(measured(storage)[request.search.view, 0, 0][1]) if kind == "evaluate" else None,
    )
    assert states == ["running", "running"]


def test_results_do_not_depend_on_the_number_of_workers(schedule, make_study, measured, storage):
    schedule(make_study())
    one = measured(storage)
    storage.unlink()
    schedule(make_study(), workers=3)
    assert measured(storage) == one


def test_the_history_holds_all_finished_trials(schedule, make_study, reads_history):
    histories = []
    schedule(make_study(trials=3, replicates=1), lambda kind, r: histories.append(len(r.history)) if kind == "ask" else None)
    assert histories == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("searcher", ["random", "sobol"])
def test_a_searcher_that_reads_no_history_gets_none(schedule, make_study, searcher):
    histories = []
    study = make_study(trials=3, replicates=1, searcher=searcher)
    schedule(study, lambda kind, r: histories.append(r.history) if kind == "ask" else None)
    assert histories == [()] * 6


@pytest.mark.parametrize("searcher", ["random", "sobol"])
def test_the_request_for_a_trial_is_no_larger_at_the_end_of_a_search(schedule, make_study, searcher):
    sizes = []
    study = make_study(trials=200, replicates=1, searcher=searcher)
    schedule(study, lambda kind, r: sizes.append(len(pickle.dumps(r.request))) if kind == "ask" else None)
    assert max(sizes) - min(sizes) < 20


def test_worst_shows_the_searcher_the_worst_value_for_a_failed_trial(schedule, make_study, reads_history):
    seen = {}

    def script(kind, request):
        if kind == "ask":
            seen[request.number] = [past.value for past in request.history]
        elif request.number < 3:
            number = request.number
            if number == 1:
                return Outcome("failed", {}, failure=Failure("E", "m"))
            return Outcome("completed", {"value": float(number)})

    schedule(make_study(trials=4, replicates=1), script)
    assert seen[3] == [0.0, 2.0, 2.0]


def test_drop_shows_the_searcher_no_value_for_a_failed_trial(schedule, make_study, reads_history):
    seen = {}

    def script(kind, request):
        if kind == "ask":
            seen[request.number] = [past.value for past in request.history]
        else:
            return Outcome("diverged", {"value": float("nan")}) if request.number == 1 else Outcome("completed", {"value": 1.0})

    schedule(make_study(trials=3, replicates=1, on_failure="drop"), script)
    assert seen[2] == [1.0, None]


def test_a_trial_whose_worker_died_is_evaluated_again_at_its_point(schedule, make_study):
    points = []

    def script(kind, request):
        if kind == "evaluate":
            points.append(request.point)
            if len(points) == 1:
                raise WorkerDied("killed")

    schedule(make_study(trials=1, replicates=1), script)
    assert points[0] == points[1]


def test_attempts_are_counted_with_their_reason(schedule, make_study, storage):
    schedule(make_study(trials=1, replicates=1), raises(WorkerDied("killed"), times=2))
    with Store.open(storage) as store:
        assert store.history(SearchKey("both", 0))[0].attempts == 3


def test_a_trial_whose_workers_keep_dying_is_recorded_as_failed(schedule, make_study, measured, storage):
    script = raises(WorkerDied("killed"), where=lambda request: request.number == 1)
    schedule(make_study(trials=3, limits={"max_attempts": 2}), script)
    assert [measured(storage)["both", 0, number][1] for number in range(3)] == ["completed", "failed", "completed"]


def test_interruptions_do_not_use_up_attempts(schedule, make_study, measured, storage):
    study = make_study(trials=1, replicates=1, limits={"max_attempts": 2})
    for _ in range(5):
        with pytest.raises(MemoryError):
            schedule(study, raises(MemoryError()))
    schedule(study, raises(WorkerDied("killed"), times=1))
    assert measured(storage)["both", 0, 0][1] == "completed"


def test_an_ask_whose_worker_died_is_asked_again(schedule, make_study, measured, storage):
    schedule(make_study(trials=1, replicates=1), raises(WorkerDied("killed"), kind="ask", times=2))
    assert {state for _, state, _ in measured(storage).values()} == {"completed"}


def test_an_ask_whose_workers_keep_dying_ends_its_search(schedule, make_study, measured, storage):
    asked = []

    def script(kind, request):
        if kind == "ask" and request.search.view == "both":
            asked.append(request)
            raise WorkerDied("killed")

    with pytest.raises(HpstudyError, match="1 searches, first in both, replicate 0: killed"):
        schedule(make_study(trials=1, replicates=1, limits={"max_attempts": 2}), script)
    assert len(asked) == 2
    assert set(measured(storage)) == {("one", 0, 0)}


def test_a_searcher_that_fails_stops_its_own_search_only(schedule, make_study, measured, storage):
    script = raises(LookupError("no surrogate"), kind="ask", where=lambda r: r.search.view == "both" and r.number == 1)
    with pytest.raises(HpstudyError, match=r"2 searches, first in both, replicate 0: LookupError: no surrogate"):
        schedule(make_study(), script)
    assert [view for view, _, _ in measured(storage)].count("one") == 6


def test_a_time_out_is_a_timed_out_trial(schedule, make_study, measured, storage):
    schedule(make_study(trials=2, replicates=1), raises(StepTimedOut("too long"), times=1))
    assert [state for _, state, _ in measured(storage).values()].count("timed_out") == 1


@pytest.mark.parametrize("kind", ["ask", "evaluate"])
def test_a_machine_without_resources_ends_the_run_and_is_no_outcome(schedule, make_study, measured, storage, kind):
    schedule(make_study())
    whole = measured(storage)
    storage.unlink()
    notes = []

    class Noting(Observer):
        def note(self, text):
            notes.append(text)

    script = raises(OutOfResources("the disk is full"), kind=kind, where=lambda request: request.search.view == "both")
    with pytest.raises(OutOfResources, match="the disk is full"):
        schedule(make_study(), script, workers=3, observer=Noting())
    assert {state for _, state, _ in measured(storage).values()} <= {"running", "completed"}
    assert notes == ["the disk is full: no new trial starts; waiting for running trials to finish"]
    schedule(make_study())
    assert measured(storage) == whole


def test_one_worker_is_busy_throughout(schedule, make_study):
    busy = []

    class Counting(Observer):
        def waiting(self, steps):
            busy.append(steps)

    schedule(make_study(), workers=1, observer=Counting())
    assert set(busy) == {1}


def test_a_study_that_fails_from_the_start_is_ended(schedule, make_study, measured, storage):
    failed = Outcome("failed", {}, failure=Failure("ValueError", "bad", "Traceback: bad"))
    with pytest.raises(StudyBroken, match=r"first 4 trials gave no value and none completed(.|\n)*Traceback: bad") as caught:
        schedule(make_study(limits={"max_failures": 4}), lambda kind, _: failed if kind == "evaluate" else None)
    assert len(measured(storage)) == 4
    assert "these trials stay failed" in caught.value.hint


def test_the_first_failure_is_the_one_that_is_told(schedule, make_study):
    def script(kind, request):
        if kind == "evaluate":
            return Outcome("failed", {}, failure=Failure("ValueError", f"bad trial {request.number}"))

    with pytest.raises(StudyBroken, match="The first failure:\nValueError: bad trial 0"):
        schedule(make_study(limits={"max_failures": 2}), script)


def test_a_completed_trial_takes_the_suspicion_off_a_study(schedule, make_study, measured, storage):
    def script(kind, request):
        if kind == "evaluate" and (request.search.view, request.number) != ("both", 0):
            return Outcome("failed", {}, failure=Failure("ValueError", "bad"))

    schedule(make_study(limits={"max_failures": 2}), script)
    assert len(measured(storage)) == 12


def diverges(kind, _):
    return Outcome("diverged", {"value": math.nan}) if kind == "evaluate" else None


def test_a_study_that_only_diverges_is_ended(schedule, make_study, measured, storage):
    with pytest.raises(StudyBroken, match=r"first 2 trials gave no value(.|\n)*the study's metric is nan"):
        schedule(make_study(limits={"max_failures": 2}), diverges)
    assert len(measured(storage)) == 2


def test_diverged_trials_do_not_end_a_study_in_which_one_completed(schedule, make_study, measured, storage):
    def script(kind, request):
        if kind == "evaluate" and (request.search.view, request.number) != ("both", 0):
            return Outcome("diverged", {"value": math.nan})

    schedule(make_study(limits={"max_failures": 2}), script)
    assert len(measured(storage)) == 12


def test_diverged_trials_of_an_earlier_session_count(schedule, make_study):
    study = make_study(limits={"max_failures": 2})
    for count in (2, 3):
        with pytest.raises(StudyBroken, match=f"first {count} trials"):
            schedule(study, diverges)


def test_a_broken_study_can_be_resumed(schedule, make_study, measured, storage):
    study = make_study(limits={"max_failures": 2})
    with pytest.raises(StudyBroken):
        schedule(study, lambda kind, _: Outcome("failed", {}, failure=Failure("E", "m")) if kind == "evaluate" else None)
    schedule(study)
    assert len(measured(storage)) == 12


def test_after_a_stop_nothing_new_is_started(schedule, make_study, measured, storage):
    stop = StopSignal()
    schedule(make_study(), lambda kind, request: stop.request() if kind == "evaluate" else None, stop=stop)
    assert [state for _, state, _ in measured(storage).values()] == ["completed"]


def test_a_stopped_study_goes_on_as_if_nothing_had_happened(schedule, make_study, measured, storage):
    schedule(make_study())
    whole = measured(storage)
    storage.unlink()
    for _ in range(3):
        stop = StopSignal()
        schedule(make_study(), lambda kind, request, stop=stop: stop.request() if request.number == 1 else None, stop=stop)
    schedule(make_study())
    assert measured(storage) == whole


def test_a_worker_that_died_after_a_stop_leaves_its_trial_to_be_resumed(schedule, make_study, measured, storage):
    stop = StopSignal()

    def script(kind, request):
        if kind == "evaluate":
            stop.request()
            raise WorkerDied("ended with the rest")

    schedule(make_study(trials=1, replicates=1, limits={"max_attempts": 1}), script, stop=stop)
    assert [state for _, state, _ in measured(storage).values()] == ["running"]


def test_an_interrupted_trial_is_evaluated_at_its_stored_point(schedule, make_study, measured, storage):
    study = make_study(trials=1, replicates=1)
    with pytest.raises(MemoryError):
        schedule(study, raises(MemoryError()))
    point = measured(storage)["both", 0, 0][0]
    steps = schedule(study).steps
    assert steps[0] == ("evaluate", "both", 0, 0)
    assert measured(storage)["both", 0, 0][0] == point


def test_a_database_that_cannot_be_written_ends_the_run(make_study, storage, monkeypatch):
    def full(*_, **__):
        raise StoreError("the disk is full")

    with Store.create(storage, make_study()) as store:
        store.begin_session({})
        monkeypatch.setattr(store, "finish_trials", full)
        executor = Scripted()
        with pytest.raises(StoreError, match="full"):
            Scheduler(store, executor, Observer(), StopSignal()).run()
    assert len(executor.evaluations()) == 1


def test_steps_that_end_together_are_stored_together(make_study, storage, monkeypatch):
    stored = []
    with Store.create(storage, make_study(trials=2, replicates=3)) as store:
        store.begin_session({})
        for kind in ("start_trials", "finish_trials"):
            method = getattr(store, kind)
            monkeypatch.setattr(store, kind, lambda trials, m=method, **more: (stored.append(len(trials)), m(trials, **more)))
        Scheduler(store, Scripted(workers=6), Observer(), StopSignal()).run()
    assert stored == [6, 6, 6, 6]


def test_a_finished_search_is_reported_once(schedule, make_study):
    finished = []

    class Noting(Observer):
        def search_finished(self, search, trials):
            finished.append((search, len(trials)))

    study = make_study()
    schedule(study, observer=Noting())
    assert finished == [(search, 3) for search in Plan(study).searches()]


def test_the_seconds_of_all_steps_are_summed(make_study, storage):
    class Timed(Scripted):
        def submit(self, call, request, timeout_s=None):
            answer, future = call(request), Future()
            if isinstance(request, AskRequest):
                future.set_result(replace(answer, duration_s=1.0))
            else:
                future.set_result(replace(answer, outcomes=tuple(replace(one, duration_s=8.0) for one in answer.outcomes)))
            return future

    with Store.create(storage, make_study(trials=2, replicates=1)) as store:
        store.begin_session({})
        scheduler = Scheduler(store, Timed(), Observer(), StopSignal())
        scheduler.run()
    assert scheduler.worked_s == 4 * 1.0 + 4 * 8.0


def test_a_quiet_run_gives_signs_of_life(make_study, storage, monkeypatch):
    monkeypatch.setattr(history, "HEARTBEAT_S", -1.0)
    beats = []
    with Store.create(storage, make_study()) as store:
        store.begin_session({})
        monkeypatch.setattr(store, "heartbeat", lambda: beats.append(1))
        Scheduler(store, Scripted(), Observer(), StopSignal()).run()
    assert beats


class Swapping(Scripted):
    """Waits for two steps of one kind and one view, and gives each the answer of the other."""

    def __init__(self, kind):
        super().__init__(workers=4)
        self.kind, self.waiting = kind, {}

    def submit(self, call, request, timeout_s=None):
        answer = super().submit(call, request, timeout_s)
        if not isinstance(request, self.kind):
            return answer
        promise, view = Future(), request.keys[0].search.view
        if view in self.waiting:
            other_promise, other_answer = self.waiting.pop(view)
            promise.set_result(other_answer.result())
            other_promise.set_result(answer.result())
        else:
            self.waiting[view] = promise, answer
        return promise


@pytest.mark.parametrize("kind", [AskRequest, EvaluateRequest])
def test_swapped_answers_of_two_steps_of_a_view_are_refused_and_not_stored(make_study, measured, schedule, storage, kind):
    study = make_study(trials=2)
    with Store.create(storage, study) as store:
        store.begin_session({})
        with pytest.raises(
            WrongAnswer, match=r"Swapping mixed up steps: for 'both, replicate \d, trial 0' it returned the answer"
        ):
            Scheduler(store, Swapping(kind), Observer(), StopSignal()).run()
    assert {state for _, state, _ in measured(storage).values()} <= {"running"}
    schedule(study)
    resumed = measured(storage)
    storage.unlink()
    schedule(study)
    assert measured(storage) == resumed


def test_the_answers_of_other_steps_are_stored_when_one_is_wrong(make_study, measured, storage):
    class Careless(Scripted):
        def submit(self, call, request, timeout_s=None):
            future = super().submit(call, request, timeout_s)
            if isinstance(request, EvaluateRequest) and request.trials[0].search.replicate == 0:
                future = Future()
                future.set_result(None)
            return future

    with Store.create(storage, make_study(trials=1)) as store:
        store.begin_session({})
        with pytest.raises(WrongAnswer, match="for 'both, replicate 0, trial 0' it returned no answer of a step"):
            Scheduler(store, Careless(workers=4), Observer(), StopSignal()).run()
    states = {(view, replicate): state for (view, replicate, _), (_, state, _) in measured(storage).items()}
    assert states == {("both", 0): "running", ("one", 0): "running", ("both", 1): "completed", ("one", 1): "completed"}


def test_one_future_for_two_steps_is_refused(make_study, storage):
    class OneFuture(Scripted):
        future = Future()

        def submit(self, call, request, timeout_s=None):
            return self.future

    with Store.create(storage, make_study(trials=1)) as store:
        store.begin_session({})
        with pytest.raises(
            WrongAnswer, match="for 'one, replicate 0, trial 0' it returned the future of 'both, replicate 0, trial 0'"
        ):
            Scheduler(store, OneFuture(workers=2), Observer(), StopSignal()).run()


def test_a_step_that_the_executor_canceled_runs_again(make_study, measured, schedule, storage):
    class Canceling(Scripted):
        canceled = 0

        def submit(self, call, request, timeout_s=None):
            future = super().submit(call, request, timeout_s)
            if self.canceled < 3:
                self.canceled += 1
                future = Future()
                future.cancel()
            return future

    study = make_study(trials=1, limits={"max_attempts": 1})
    with Store.create(storage, study) as store:
        store.begin_session({})
        Scheduler(store, Canceling(), Observer(), StopSignal()).run()
    assert {state for _, state, _ in measured(storage).values()} == {"completed"}
