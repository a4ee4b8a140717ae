"""A run whose engine or workers go away: nothing is charged to a trial, and a signal ends a run that waits for nobody."""

from concurrent.futures import Future

import pytest

from hpstudy.engine import availability, running_steps, scheduler
from hpstudy.engine.executors import EngineLost, Executor, StepTimedOut, WorkerLost
from hpstudy.engine.progress import Observer
from hpstudy.engine.requests import AskRequest
from hpstudy.engine.scheduler import Scheduler
from hpstudy.engine.stop import Aborted, StopSignal
from hpstudy.store import Store


class Remote(Executor):
    """Runs steps when they are submitted; `fate(request)` may return the future of a step instead."""

    def __init__(self, workers, fate):
        super().__init__(workers)
        self.fate = fate

    def submit(self, call, request, timeout_s=None):
        future = self.fate(request)
        if future is None:
            future = Future()
            future.set_result(call(request))
        return future

    def close(self, *, abort=False):
        pass


class Notes(Observer):
    """Calls `react` at each note."""

    def __init__(self, react=lambda: None):
        self.notes, self.react = [], react

    def note(self, text):
        self.notes.append(text)
        self.react()


def failed(error):
    future = Future()
    future.set_exception(error)
    return future


def lost():
    return failed(EngineLost("the scheduler at tcp://10.0.0.1 does not answer"))


def evaluates(request):
    return not isinstance(request, AskRequest)


@pytest.fixture
def schedule(storage, monkeypatch):
    monkeypatch.setattr(running_steps, "POLL_S", 0.01)

    def schedule(study, executor, *, observer=None, stop=None):
        with Store.open(storage) if storage.exists() else Store.create(storage, study) as store:
            store.begin_session({})
            Scheduler(store, executor, observer or Observer(), stop or StopSignal()).run()

    return schedule


@pytest.mark.parametrize("when", ["while a step runs", "before it is sent"])
def test_a_lost_engine_ends_the_run_and_is_not_charged_to_the_trial(schedule, make_study, measured, storage, when):
    study = make_study(trials=2, replicates=1, limits={"max_attempts": 1})

    def fate(request):
        if evaluates(request):
            if when == "before it is sent":
                raise EngineLost("the scheduler is gone")
            return lost()

    for _ in range(3):
        with pytest.raises(EngineLost) as caught:
            schedule(study, Remote(1, fate))
        assert (caught.value.exit_code, caught.value.hint) == (3, "`hpstudy resume` continues the study when it is back")
        assert [state for _, state, _ in measured(storage).values()] == ["running"]
    schedule(study, Remote(1, lambda request: None))
    resumed = measured(storage)
    storage.unlink()
    schedule(study, Remote(1, lambda request: None))
    assert resumed == measured(storage)


def test_an_engine_that_is_lost_while_a_point_is_chosen_ends_the_run(schedule, make_study):
    with pytest.raises(EngineLost):
        schedule(make_study(), Remote(1, lambda request: None if evaluates(request) else lost()))


def test_answers_that_came_before_the_engine_was_lost_are_stored(schedule, make_study, measured, storage):
    def fate(request):
        return lost() if evaluates(request) and request.trials[0].search.view == "both" else None

    with pytest.raises(EngineLost):
        schedule(make_study(trials=1, replicates=1), Remote(2, fate))
    assert {view: state for (view, _, _), (_, state, _) in measured(storage).items()} == {"both": "running", "one": "completed"}


def test_a_time_out_that_came_with_the_loss_of_the_engine_is_stored(schedule, make_study, measured, storage):
    def fate(request):
        if evaluates(request):
            return lost() if request.trials[0].search.view == "both" else failed(StepTimedOut("too long"))

    with pytest.raises(EngineLost):
        schedule(make_study(trials=1, replicates=1), Remote(2, fate))
    assert {view: state for (view, _, _), (_, state, _) in measured(storage).items()} == {"both": "running", "one": "timed_out"}


def test_a_step_that_loses_too_many_machines_is_charged_for_further_losses(schedule, make_study, measured, storage, monkeypatch):
    monkeypatch.setattr(scheduler, "MOST_LOSSES", 3)
    submitted = []

    def fate(request):
        if evaluates(request) and request.trials[0].search.view == "both":
            submitted.append(request)
            return failed(WorkerLost("the machine is gone"))

    schedule(make_study(trials=1, replicates=1, limits={"max_attempts": 2}), Remote(1, fate))
    assert len(submitted) == 3 + 2
    assert {view: state for (view, _, _), (_, state, _) in measured(storage).items()} == {"both": "failed", "one": "completed"}


def test_a_run_waits_for_workers_says_so_once_and_continues(schedule, make_study, measured, storage, monkeypatch):
    monkeypatch.setattr(availability, "ABSENT_S", 0.05)
    executor = Remote(0, lambda request: None)
    said = Notes(lambda: setattr(executor, "workers", 2))
    schedule(make_study(), executor, observer=said)
    assert len(said.notes) == 2
    assert "no worker for 0 s" in said.notes[0]
    assert said.notes[1] == "2 workers are available; the study continues"
    assert len(measured(storage)) == 12


def test_workers_that_join_are_used(schedule, make_study, monkeypatch):
    most = []

    def fate(request):
        executor.workers = 4
        most.append(len(run.value.running))

    class Kept(Scheduler):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            run.value = self

    run = type("Run", (), {})()
    executor = Remote(1, fate)
    monkeypatch.setattr("tests.engine.test_remote.Scheduler", Kept)
    schedule(make_study(), executor)
    assert max(most) == 3


def test_a_stop_ends_a_run_that_waits_for_nobody(schedule, make_study, monkeypatch):
    monkeypatch.setattr(availability, "ABSENT_S", 0.05)
    stop = StopSignal()
    schedule(make_study(), Remote(0, lambda request: None), observer=Notes(stop.request), stop=stop)


def test_a_stop_gives_up_steps_that_wait_for_nobody(schedule, make_study, measured, storage, monkeypatch):
    monkeypatch.setattr(availability, "ABSENT_S", 0.05)
    stop = StopSignal()

    def fate(request):
        if evaluates(request):
            executor.workers = 0
            return Future()

    executor = Remote(1, fate)
    with pytest.raises(Aborted):
        schedule(make_study(), executor, observer=Notes(stop.request), stop=stop)
    assert [state for _, state, _ in measured(storage).values()] == ["running"]
