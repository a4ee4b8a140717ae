"""`confirm.incumbents`: every incumbent of a search on fresh seeds of its replicate, while other searches may still run."""

import io
import multiprocessing
import os
import signal

import pytest

from hpstudy.engine.confirm import confirm_study
from hpstudy.engine.executors import EXECUTORS
from hpstudy.engine.forecast import forecast
from hpstudy.engine.inline import InlineExecutor
from hpstudy.engine.options import RunOptions
from hpstudy.engine.progress import Bars, Lines, Observer
from hpstudy.engine.run import run_study
from hpstudy.engine.trial_seeds import training_seed
from hpstudy.errors import StudyChanged
from hpstudy.loading.bind import bind
from hpstudy.loading.make import make_task
from hpstudy.seeds import derive_seed
from hpstudy.store import Reader, Store, TrialRow, check, incumbents
from hpstudy.store.listing import listed
from hpstudy.study.confirm import IncumbentCount, Retraining, harmonic
from hpstudy.study.controls import arms
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm
from tests.support.plans import planned_confirmations

TRIALS = 8


@pytest.fixture
def study(make_study):
    """A study that confirms every incumbent: study(seeds=2, trials=8)."""

    def study(seeds=2, **options):
        asked = Confirm(seeds=seeds, incumbents=True)
        return make_study(**{"trials": TRIALS, **options}).model_copy(update={"confirm": asked})

    return study


def rows_of(*objectives):
    """A search: a number for a completed trial, None for one without a value."""
    states = ["completed" if value is not None else "failed" for value in objectives]
    return [TrialRow(n, {"x1": n}, state, value, 1) for n, (state, value) in enumerate(zip(states, objectives, strict=True))]


def confirmed(path):
    """The confirmations in an order that does not depend on the order in which they ran."""
    with Reader.open(path) as reader:
        return reader.confirmations()


def test_an_incumbent_is_a_trial_that_is_better_than_all_before_it(study, make_study):
    minimize, maximize = study(), make_study(goal="maximize")
    assert [row.number for row in incumbents(minimize, rows_of(None, 3.0, 3.0, 4.0, 2.0, None, 1.0, 1.0))] == [1, 4, 6]
    assert [row.number for row in incumbents(maximize, rows_of(1.0, 3.0, 2.0, 3.0, 4.0))] == [0, 1, 4]
    assert incumbents(minimize, rows_of(None, None)) == []


def test_every_incumbent_is_listed_seed_by_seed_even_while_the_search_runs(study):
    search = rows_of(3.0, 4.0, 2.0)
    assert list(listed(study(), arms(study())["one/confirm"], 1, search, [])) == [
        Retraining(n, seed) for seed in range(2) for n in (0, 2)
    ]
    assert next(iter(listed(study(), arms(study())["one/confirm"], 0, search, []))) == Retraining(None, 0)
    done = [TrialRow(0, {}, "completed", 1.0, 1, Retraining(0, 0))]
    assert listed(study(), arms(study())["one/confirm"], 1, search, done)[Retraining(2, 1)] == {"x1": 2}
    assert Retraining(0, 0) not in listed(study(), arms(study())["one/confirm"], 1, search, done)


def test_the_seeds_belong_to_the_replicate_and_are_common_to_all_views(study, make_study):
    asking = study()
    assert training_seed(asking, 3, 0, 1) == derive_seed(0, "confirm", 3, 1)
    assert training_seed(asking.model_copy(update={"confirm": Confirm()}), 3, 0, 1) == derive_seed(0, "confirm", 1)
    fresh = {training_seed(asking, replicate, 0, number) for replicate in range(20) for number in range(20)}
    assert len(fresh) == 400
    assert not fresh & {training_seed(asking, replicate, number) for replicate in range(20) for number in range(50)}


def test_every_incumbent_is_trained_on_every_seed_of_its_replicate(run, study, storage):
    assert run(study()).complete
    with Reader.open(storage) as reader:
        frame = reader.confirmations().dropna(subset="replicate")
        for view in ("both", "one"):
            for replicate in range(2):
                found = incumbents(reader.study, reader.history(SearchKey(view, replicate)))
                own = frame[(frame["view"] == view) & (frame["replicate"] == replicate)]
                pairs = sorted(zip(own.number, own.seed_number, strict=True))
                assert pairs == [(row.number, seed) for row in found for seed in range(2)]
                task = make_task(reader.study.task)
                seeds = [derive_seed(0, "confirm", replicate, number) for number in range(2)]
                values = [
                    task.evaluate(reader.study.views[view], row.point, seed, None)["value"] for row in found for seed in seeds
                ]
                assert own.objective.tolist() == values
    assert check(storage) == []


def test_idle_workers_confirm_while_searches_run_and_searches_go_first(run, study, storage, monkeypatch):
    class Wide(InlineExecutor):
        def __init__(self, workers=1, logs=None):
            super().__init__()
            self.workers = next(widths)

    class Noting(Observer):
        def __init__(self):
            self.order, self.finished = [], []

        def trial_finished(self, search, trial, outcome):
            self.order.append(trial.retrained is not None)

        def search_finished(self, search, trials):
            self.finished.append((search, len(trials)))

    monkeypatch.setattr(EXECUTORS, "load", lambda name: Wide)
    orders, values, widths = [], [], iter((1, 4, 6))
    for _ in range(3):
        noting = Noting()
        assert run(study(), observer=noting).complete
        with Reader.open(storage) as reader:
            sizes = {search: count.planned for search, count in reader.search_counts().items()}
        assert sorted(noting.finished, key=str) == sorted(sizes.items(), key=str)
        orders.append(noting.order)
        values.append(confirmed(storage))
        storage.unlink()
    searched = [False] * 4 * TRIALS
    assert orders[0][: len(searched)] == searched  # one worker has always a search to run
    assert orders[2][: len(searched)] != searched
    assert all(frame.equals(values[0]) for frame in values)


class KillAfter(Observer):
    """Kills this process after this many trials."""

    def __init__(self, trials):
        self.left = trials

    def trial_finished(self, search, trial, outcome):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("trials", [5, 31, 40])
def test_a_run_that_was_killed_resumes_to_the_same_numbers(run, study, storage, trials):
    options = RunOptions(executor="inline", observer=KillAfter(trials))
    process = multiprocessing.get_context("fork").Process(target=run_study, args=(bind(study()), storage, options))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert check(storage) == []
    assert run(study()).complete
    resumed = confirmed(storage)
    storage.unlink()
    run(study())
    assert confirmed(storage).equals(resumed)


def test_a_study_that_grows_trains_only_new_incumbents(run, study, storage):
    run(study(trials=4))
    before = confirmed(storage)
    summary = run(study(trials=12))
    after = confirmed(storage)
    with Reader.open(storage) as reader:
        found = [
            [row.number for row in incumbents(reader.study, reader.history(SearchKey(view, replicate)))]
            for view in ("both", "one")
            for replicate in range(2)
        ]
    new = sum(number >= 4 for numbers in found for number in numbers)
    assert (summary.complete, summary.ran) == (True, 4 * 8 + 2 * new)
    assert after.merge(before).equals(before)
    assert len(after) == 2 * sum(map(len, found)) + 2 * 2
    assert run(study(trials=12)).ran == 0


def test_more_seeds_only_add(run, study, storage):
    run(study())
    before = confirmed(storage)
    run(study(seeds=3))
    after = confirmed(storage)
    assert after[after["seed_number"] < 2].reset_index(drop=True).equals(before)
    assert len(after) == len(before) * 3 // 2


@pytest.mark.parametrize("first", [True, False])
def test_another_kind_of_confirmation_is_refused_once_there_is_one(run, study, storage, first):
    def asking(incumbents):
        return study().model_copy(update={"confirm": Confirm(seeds=2, incumbents=incumbents)})

    run(asking(first))
    with pytest.raises(StudyChanged, match=f"confirm.incumbents: {str(first).lower()} -> {str(not first).lower()}"):
        run(asking(not first))
    without = study().model_copy(update={"confirm": None, "replicates": 3})
    assert run(without).complete
    with Reader.open(storage) as reader:
        assert reader.study.confirm == Confirm(seeds=2, incumbents=first)


def test_the_command_gives_the_same_rows_as_the_study_file(run, study, make_study, storage):
    run(study())
    whole = confirmed(storage)
    storage.unlink()
    run(make_study(trials=TRIALS))
    options = RunOptions(executor="inline")
    assert confirm_study(bind(make_study(trials=TRIALS)), storage, options, Confirm(seeds=2, incumbents=True)).complete
    assert confirmed(storage).equals(whole)


def test_the_estimate_begins_with_the_harmonic_number_and_ends_with_what_was_found():
    assert harmonic(4) == pytest.approx(1 + 1 / 2 + 1 / 3 + 1 / 4)
    assert IncumbentCount(25).expected(0) == round(harmonic(25)) == 4
    # Twice as many incumbents as exchangeable values would have: a search that has not begun is expected to have twice as many too.
    count = IncumbentCount(4, {0: (4, 4), 1: (0, 0)})
    assert (count.expected(0), count.expected(1)) == (0, round(4 / harmonic(4) * harmonic(4)))
    assert count.trainings(seeds=3) == (3 * (1 + 4 + 4), 3 * 4)
    # A search under way: what it has found, and the scaled rest.
    assert IncumbentCount(4, {0: (4, 4), 1: (1, 2)}).expected(1) == round(5 / (harmonic(4) + harmonic(2)) * (1 / 3 + 1 / 4))


def test_the_plan_counts_what_is_known_and_estimates_the_rest(study):
    search, empty = rows_of(*[5.0, 4.0, 3.0, 2.0, 1.0, 9.0, 9.0, 9.0]), []
    assert planned_confirmations(study(), "one", [search, empty], [empty, empty]) == [(2 * 6, 0), (0, 2 * 5)]


def test_plan_status_and_progress_mark_an_estimate(run, study, make_study, storage):
    def foreseen(study):
        return forecast(bind(study), storage, workers=1, pilot=False)

    said = foreseen(study()).sentence()
    assert said.startswith("36 trials left and about 24 confirmations of incumbents to come")
    stream = io.StringIO()
    summary = run(study(), observer=Lines(stream, verbose=False))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "tiny: 60 of about 60 trials to run, 1 worker"
    assert lines[1].startswith("[8/about ")
    assert lines[-1].startswith(f"[{summary.counts.planned}/{summary.counts.planned}] ")
    assert "about" not in summary.sentence()
    with Reader.open(storage) as reader:
        assert not any(count.estimated for count in reader.counts().values())
    with Store.open(storage) as store:
        store.grow(study(replicates=3))
    with Reader.open(storage) as reader:
        assert reader.counts()["one/confirm"].estimated > 0
    assert "confirmations of incumbents to come" in foreseen(study(replicates=3)).sentence()


def test_bars_grow_with_the_incumbents(run, study, monkeypatch):
    bars = Bars(verbose=False)
    summary = run(study(), observer=bars)
    tasks = {task.description: task for task in bars._progress.tasks}
    assert tasks["tiny"].total == tasks["tiny"].completed == summary.counts.planned
    assert tasks["one/confirm"].total == tasks["one/confirm"].completed
