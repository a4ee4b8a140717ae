"""Replicates in lockstep: groups of searches whose points are asked for together, and whose trials a task may train together."""

import multiprocessing
import os
import signal
import sys

import pytest

from hpstudy.engine.confirm import confirm_study
from hpstudy.engine.executors import EXECUTORS, StepTimedOut, WorkerDied
from hpstudy.engine.forecast import forecast
from hpstudy.engine.inline import InlineExecutor
from hpstudy.engine.options import RunOptions
from hpstudy.engine.progress import Lines, Observer
from hpstudy.engine.requests import AskRequest
from hpstudy.engine.run import run_study
from hpstudy.errors import HpstudyError, StudyBroken, StudyChanged
from hpstudy.loading.bind import bind
from hpstudy.search.random import RandomSearcher
from hpstudy.store import Reader, Store, check
from hpstudy.study.declaration import Analysis
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm, SearchBlock, Study

STACKING = """
import numpy as np
from pydantic import BaseModel
from hpstudy.errors import Diverged
from hpstudy.tasks.interface import Task

class Settings(BaseModel):
    ...

class f(Task):
    Settings = Settings
    stacks = True

    def objectives(self):
        return ("value",)

    def check_view(self, view):
        return []

    def evaluate(self, view, point, seed, report):
        (result,) = self.evaluate_many(view, [point], [seed], [report])
        if isinstance(result, Exception):
            raise result
        return result

    def evaluate_many(self, view, points, seeds, reports):
        {before}
        x = np.array([point["x1"] for point in points])
        noise = np.array([np.random.default_rng(seed).standard_normal() for seed in seeds])
        for epoch in (1, 2, 3):
            values = (x - 1) ** 2 + noise / epoch
            for report, value in zip(reports, values, strict=True):
                report(epoch, loss=value)
        return [
            Diverged("too high") if value > 60 else LookupError("too low") if value < 1 else {{"value": float(value)}}
            for value in values
        ]
"""


@pytest.fixture
def stacking(write_module):
    """A task that trains together; some of its trials diverge, some fail."""

    def stacking(before="pass"):
        return write_module(STACKING.format(before=before))

    return stacking


@pytest.fixture
def steps(monkeypatch):
    """The steps of a run, in order: what, view, replicates, numbers. With `steps.error(kind, replicates)` one may raise."""

    class Steps(list):
        workers = 1

        def error(self, kind, replicates):
            return None

    taken = Steps()

    class Noting(InlineExecutor):
        def __init__(self, workers=1, logs=None):
            super().__init__()
            self.workers = taken.workers

        def submit(self, call, request, timeout_s=None):
            if isinstance(request, AskRequest):
                kind, trials = "ask", [(key, request.number) for key in request.searches]
            else:
                kind, trials = "evaluate", [(trial.search, trial.number) for trial in request.trials]
            replicates = tuple(key.replicate for key, _ in trials)
            taken.append((kind, trials[0][0].view, replicates, tuple(number for _, number in trials)))
            error = taken.error(kind, replicates)

            def fail(_):
                raise error

            return super().submit(fail if error else call, request)

    monkeypatch.setattr(EXECUTORS, "load", lambda name: Noting)
    return taken


def everything(path):
    """All that was measured; confirmations by what they train again, because their order depends on timing."""
    with Reader.open(path) as reader:
        trials, curves = reader.trials(), reader.curves()
        confirmations = reader.confirmations()
    named = ("view", "replicate", "number", "state", "objective", "error")
    searched = trials[~trials["view"].str.endswith("/confirm")][[name for name in trials if name in named or "." in name]]
    return searched.to_csv(index=False), curves[~curves["view"].str.endswith("/confirm")].to_csv(), confirmations.to_csv()


def test_trial_n_of_a_group_is_one_step_that_asks_and_one_that_evaluates(run, make_study, stacking, steps):
    assert run(make_study(use=stacking(), trials=2, replicates=4, lockstep=2)).complete
    expected = [
        (kind, view, replicates, (number, number))
        for replicates in ((0, 1), (2, 3))
        for view in ("both", "one")
        for number in (0, 1)
        for kind in ("ask", "evaluate")
    ]
    assert steps == expected


def test_a_task_that_does_not_train_together_gets_a_step_for_each_trial_and_the_next_points_when_all_have_ended(
    run, make_study, steps
):
    steps.workers = 2
    study = make_study(trials=2, replicates=3, lockstep=3)
    assert run(study.model_copy(update={"views": {"both": study.views["both"]}, "analysis": Analysis()})).complete
    assert steps == [
        step
        for n in (0, 1)
        for step in [("ask", "both", (0, 1, 2), (n, n, n)), *(("evaluate", "both", (slot,), (n,)) for slot in (0, 1, 2))]
    ]


def test_one_replicate_at_a_time_is_asked_alone(run, make_study, monkeypatch):
    monkeypatch.setattr(RandomSearcher, "ask_many", lambda *_, **__: pytest.fail("asked for several"))
    assert run(make_study()).complete


@pytest.mark.parametrize("use", [None, "stacking"])
def test_without_a_batched_searcher_or_task_the_numbers_are_those_of_searches_alone(run, make_study, stacking, storage, use):
    options = {"use": stacking()} if use else {}
    confirm = {"confirm": Confirm(seeds=2)}
    run(make_study(replicates=4, **options).model_copy(update=confirm))
    alone = everything(storage)
    storage.unlink()
    run(make_study(replicates=4, lockstep=2, **options).model_copy(update=confirm))
    assert check(storage) == []
    assert everything(storage) == alone


def test_two_worker_processes_give_the_numbers_of_one(run, make_study, stacking, storage):
    study = make_study(use=stacking(), trials=4, replicates=4, lockstep=2)
    run(study, executor="processes", workers=1)
    one = everything(storage)
    storage.unlink()
    run(study, executor="processes", workers=3)
    assert everything(storage) == one


def test_a_study_that_grows_by_whole_groups_equals_one_that_was_run_at_once(run, make_study, stacking, storage):
    use = stacking()
    run(make_study(use=use, trials=2, replicates=2, lockstep=2))
    run(make_study(use=use, trials=3, replicates=6, lockstep=2))
    grown = everything(storage)
    storage.unlink()
    run(make_study(use=use, trials=3, replicates=6, lockstep=2))
    assert everything(storage) == grown


def test_a_trial_of_a_stack_diverges_or_fails_alone(run, make_study, stacking, storage):
    run(make_study(use=stacking(), trials=12, replicates=2, lockstep=2))
    with Reader.open(storage) as reader:
        trials, curves = reader.trials(), reader.curves()
    states = trials.pivot_table(index=["view", "number"], columns="replicate", values="state", aggfunc="first")
    assert {"diverged", "failed", "completed"} == set(trials["state"])
    assert (states[0] != states[1]).any()
    assert len(curves) == 3 * len(trials)
    assert set(trials[trials["state"] == "failed"]["error"]) == {"too low"}


class Kill:
    """Kills this process before or after the call number `at` of a method of the store."""

    def __init__(self, method, at, *, before):
        self.left, self.before, self.method, self.call = at, before, method, getattr(Store, method)

    def __call__(self, *given, **named):
        self.left -= 1
        if not self.left and self.before:
            os.kill(os.getpid(), signal.SIGKILL)
        result = self.call(*given, **named)
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def run(self, study, storage):
        setattr(Store, self.method, lambda *given, **named: self(*given, **named))
        run_study(bind(study, str(storage.parent)), storage, RunOptions(executor="inline"))


@pytest.mark.parametrize("incumbents", [True, False])
@pytest.mark.parametrize(
    ("method", "at", "before"),
    [("start_trials", 3, False), ("finish_trials", 1, True), ("finish_trials", 6, False), ("finish_trials", 14, True)],
)
@pytest.mark.parametrize("use", [None, "stacking"])
def test_a_run_that_was_killed_resumes_to_the_same_numbers(
    run, make_study, stacking, storage, use, method, at, before, incumbents
):
    study = make_study(trials=3, replicates=4, lockstep=2, **({"use": stacking()} if use else {}))
    study = study.model_copy(update={"confirm": Confirm(seeds=2, incumbents=incumbents)})
    process = multiprocessing.get_context("fork").Process(target=Kill(method, at, before=before).run, args=(study, storage))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert check(storage) == []
    assert run(study).complete
    assert check(storage) == []
    resumed = everything(storage)
    storage.unlink()
    run(study)
    assert everything(storage) == resumed


def test_after_a_kill_a_stack_is_evaluated_again_as_a_whole(run, make_study, stacking, storage, steps):
    study = make_study(use=stacking(), trials=2, replicates=2, lockstep=2)
    steps.error = lambda kind, replicates: MemoryError() if len(steps) == 4 else None
    with pytest.raises(MemoryError):
        run(study)
    assert steps[-1] == ("evaluate", "both", (0, 1), (1, 1))
    del steps[:], steps.error
    run(study)
    assert steps[0] == ("evaluate", "both", (0, 1), (1, 1))
    with Reader.open(storage) as reader:
        assert [reader.history(SearchKey("both", replicate))[1].attempts for replicate in (0, 1)] == [2, 2]


def test_after_a_kill_a_task_that_trains_alone_runs_what_is_missing(run, make_study, storage, steps):
    study = make_study(trials=2, replicates=3, lockstep=3)
    steps.error = lambda kind, replicates: MemoryError() if len(steps) == 7 else None
    with pytest.raises(MemoryError):
        run(study)
    del steps[:], steps.error
    assert run(study).complete
    assert steps[:3] == [("evaluate", "both", (1,), (1,)), ("evaluate", "both", (2,), (1,)), ("ask", "one", (0, 1, 2), (0, 0, 0))]


def test_a_worker_that_dies_is_an_attempt_of_each_trial_of_its_stack(run, make_study, stacking, storage, steps):
    steps.error = lambda kind, replicates: WorkerDied("killed") if len(steps) in (2, 3) else None
    notes = []

    class Noting(Observer):
        def note(self, text):
            notes.append(text)

    assert run(make_study(use=stacking(), trials=1, replicates=2, lockstep=2), observer=Noting()).complete
    with Reader.open(storage) as reader:
        assert [reader.history(SearchKey("both", replicate))[0].attempts for replicate in (0, 1)] == [3, 3]
    assert "both, replicates 0 to 1, trial 0: killed; it is run again" in notes


def test_a_stack_whose_workers_keep_dying_fails_as_a_whole(run, make_study, stacking, storage, steps, measured):
    steps.error = lambda kind, replicates: WorkerDied("killed") if (kind, replicates) == ("evaluate", (2, 3)) else None
    run(make_study(use=stacking(), trials=1, replicates=4, lockstep=2))
    states = {replicate: measured(storage)["both", replicate, 0][1] for replicate in range(4)}
    assert (states[2], states[3]) == ("failed", "failed")
    assert len([step for step in steps if step[:3] == ("evaluate", "both", (2, 3))]) == 3


def test_a_time_out_is_that_of_the_step_and_of_each_of_its_trials(run, make_study, stacking, storage):
    use = stacking("import time; time.sleep(60)")
    study = make_study(use=use, trials=1, replicates=2, lockstep=2, limits={"timeout_s": 0.5, "max_failures": 2})
    with pytest.raises(StudyBroken, match="first 2 trials gave no value"):
        run(study, executor="processes", workers=1)
    with Reader.open(storage) as reader:
        trials = reader.trials()
    assert (list(trials["state"]), trials["evaluate_s"].sum()) == (["timed_out"] * 2, 0.5)


def test_a_time_out_of_a_trial_alone_is_its_own(run, make_study, storage, steps, measured):
    steps.error = lambda kind, replicates: StepTimedOut("too long") if (kind, replicates) == ("evaluate", (1,)) else None
    run(make_study(trials=1, replicates=2, lockstep=2))
    assert [measured(storage)["both", replicate, 0][1] for replicate in (0, 1)] == ["completed", "timed_out"]


def test_a_searcher_that_fails_stops_its_group_only(run, make_study, storage, steps, measured):
    steps.error = lambda kind, replicates: LookupError("no") if (kind, replicates) == ("ask", (0, 1)) and len(steps) > 3 else None
    with pytest.raises(HpstudyError, match="the searcher failed in 4 searches, first in both, replicates 0 to 1: LookupError"):
        run(make_study(trials=2, replicates=4, lockstep=2))
    assert [key[1] for key in measured(storage) if key[2] == 1] == [2, 3] * 2
    with Reader.open(storage) as reader:
        assert [event.detail["replicate"] for event in reader.events() if event.kind == "ask_failed"] == [0, 1] * 2


def test_a_stop_leaves_the_trials_that_have_not_begun_to_be_resumed(run, make_study, storage, steps, measured):
    study = make_study(trials=2, replicates=3, lockstep=3)
    run(study)
    whole = everything(storage)
    storage.unlink()
    steps.error = lambda kind, replicates: os.kill(os.getpid(), signal.SIGINT) if replicates == (1,) else None
    assert run(study).interrupted
    assert [state for _, state, _ in measured(storage).values()] == ["completed", "completed", "running"]
    del steps.error
    assert run(study).complete
    assert everything(storage) == whole


def test_the_seconds_of_the_trials_of_a_stack_are_equal_shares_of_its_step(run, make_study, stacking, storage):
    summary = run(make_study(use=stacking("import time; time.sleep(0.05)"), trials=1, replicates=2, lockstep=2))
    with Reader.open(storage) as reader:
        trials = reader.trials()
    for view in ("both", "one"):
        of_view = trials[trials["view"] == view]
        assert of_view["evaluate_s"].nunique() == of_view["ask_s"].nunique() == 1
        assert 0.05 <= of_view["evaluate_s"].sum() < 1
    assert summary.worked_s == pytest.approx((trials["evaluate_s"] + trials["ask_s"]).sum())


@pytest.mark.parametrize("incumbents", [True, False])
def test_all_seeds_of_a_point_are_one_step(run, make_study, stacking, steps, storage, incumbents):
    study = make_study(use=stacking(), trials=3, replicates=2, lockstep=2)
    run(study.model_copy(update={"confirm": Confirm(seeds=3, incumbents=incumbents)}))
    with Reader.open(storage) as reader:
        confirmations = reader.confirmations()
    confirming = [step for step in steps if step[1].endswith("/confirm")]
    assert len(confirming) == len(confirmations) / 3 > 3
    assert all(len(numbers) == 3 and numbers == tuple(range(numbers[0], numbers[0] + 3)) for *_, numbers in confirming)
    assert check(storage) == []


def test_the_seeds_of_a_point_train_alone_where_the_task_does(run, make_study, steps):
    study = make_study(trials=1, replicates=2, lockstep=2)
    run(study.model_copy(update={"confirm": Confirm(seeds=2)}))
    confirming = [numbers for _, view, _, numbers in steps if view.endswith("/confirm")]
    assert len(confirming) == 2 * (2 + 1) * 2
    assert {len(numbers) for numbers in confirming} == {1}


def test_a_pilot_trains_a_group_together(make_study, stacking, storage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    use = stacking("import time; time.sleep(0.2)\n        with open('sizes', 'a') as file: file.write(f'{len(points)} ')")
    study = make_study(use=use, replicates=4, lockstep=4)
    seen = forecast(bind(study, str(tmp_path)), storage, workers=1, pilot=True)
    assert (tmp_path / "sizes").read_text().split() == ["4"] * 4
    assert all(seconds >= 0.05 for seconds in seen.trial_s.values())
    assert seen.lockstep_sentence().startswith(
        "in lockstep: 2 groups of 4 searches, whose trials are trained together; remaining groups: 2,"
    )


@pytest.mark.parametrize("use", [None, "stacking"])
def test_the_command_confirm_gives_the_rows_of_the_study_file(run, make_study, stacking, storage, tmp_path, use):
    study, asked = make_study(replicates=2, lockstep=2, **({"use": stacking()} if use else {})), Confirm(seeds=2, incumbents=True)
    run(study.model_copy(update={"confirm": asked}))
    whole = everything(storage)
    storage.unlink()
    run(study)
    assert confirm_study(bind(study, str(tmp_path)), storage, RunOptions(executor="inline"), asked).complete
    assert everything(storage) == whole


@pytest.mark.parametrize("use", [None, "stacking"])
def test_a_sweep_runs_in_lockstep(run, make_study, stacking, storage, use):
    def sweep(lockstep):
        study = make_study(trials=3, replicates=4, **({"use": stacking()} if use else {}))
        points = [{"x1": float(n), "x2": 1.0} for n in range(3)]
        search = SearchBlock(searcher="points", trials=3, lockstep=lockstep, points=points)
        return study.model_copy(update={"search": search, "views": {"both": study.views["both"]}, "analysis": Analysis()})

    run(sweep(1))
    alone = everything(storage)
    storage.unlink()
    run(sweep(2))
    assert everything(storage) == alone


CHECKPOINTS = """
        import json
        import os
        checkpoint = reports[0].checkpoint
        begun = json.loads(checkpoint.load() or b"0")
        for epoch in range(begun + 1, 5):
            for slot, report in enumerate(reports):
                report(epoch, loss=slot)
            checkpoint.save(json.dumps(epoch).encode())
            if epoch == 2 and os.path.exists("interrupt"):
                os.remove("interrupt")
                os.kill(os.getpid(), 9)
        return [float(epoch)] * len(reports)
"""


def test_a_stack_whose_worker_was_killed_goes_on_from_its_checkpoint(run, make_study, stacking, storage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "interrupt").touch()
    study = make_study(use=stacking(CHECKPOINTS.strip()), trials=1, replicates=2, lockstep=2)
    assert run(study, executor="processes", workers=1).counts.completed == 4
    with Reader.open(storage) as reader:
        curves, trials = reader.curves(), reader.trials()
    assert [list(group["value"]) for _, group in curves.groupby(["view", "replicate"])] == [[0.0] * 4, [1.0] * 4] * 2
    assert list(trials["attempts"]) == [2, 2, 1, 1]
    assert not storage.with_name("study.sqlite.checkpoints").exists()


def test_a_study_that_is_not_in_lockstep_is_stored_as_before_the_key_existed(make_study):
    study = make_study()
    written = study.to_json()
    assert "lockstep" not in written
    assert Study.from_json(written.replace('"trials": 3', '"trials": 3, "lockstep": 1')).fingerprint() == study.fingerprint()
    assert make_study(lockstep=2).fingerprint() != study.fingerprint()


def test_another_size_of_groups_is_another_study(run, make_study):
    run(make_study(replicates=4, lockstep=2))
    for lockstep, said in ((4, "2 -> 4"), (1, "2 -> absent")):
        with pytest.raises(StudyChanged, match=f"search.lockstep: {said}"):
            run(make_study(replicates=4, lockstep=lockstep))


def test_in_lockstep_the_seeds_of_confirmations_may_not_grow(run, make_study):
    def study(seeds, lockstep):
        return make_study(trials=1, lockstep=lockstep).model_copy(update={"confirm": Confirm(seeds=seeds)})

    run(study(2, 2))
    with pytest.raises(StudyChanged, match=r"confirm.seeds: 2 -> 3 \(cannot grow in lockstep"):
        run(study(3, 2))


def test_the_progress_of_a_run_says_that_it_is_in_lockstep(run, make_study, capsys):
    run(make_study(lockstep=2, trials=1), observer=Lines(sys.stdout, verbose=False))
    assert capsys.readouterr().out.startswith("tiny: 4 of 4 trials to run, 1 worker, in lockstep groups of 2\n")
