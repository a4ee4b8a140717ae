from dataclasses import replace
from types import SimpleNamespace

import pytest

from hpstudy.engine.confirm import confirm_study
from hpstudy.engine.forecast import forecast
from hpstudy.engine.options import RunOptions
from hpstudy.engine.stop import Aborted
from hpstudy.errors import StudyChanged
from hpstudy.loading.bind import bind
from hpstudy.store import Counts, Store
from hpstudy.study.schema import Confirm


@pytest.fixture
def foresee(storage):
    def foresee(study, *, workers=1, pilot=False):
        return forecast(bind(study), storage, workers=workers, pilot=pilot)

    return foresee


def left(forecast):
    return {row["view"]: row["left"] for row in forecast.rows()}


def test_all_of_a_new_study_is_left(foresee, make_study):
    assert left(foresee(make_study())) == {"both": 6, "one": 6}


def test_finished_trials_are_not_left(foresee, make_study, run):
    run(make_study(replicates=1))
    assert left(foresee(make_study(replicates=3))) == {"both": 6, "one": 6}


def test_nothing_is_left_of_a_complete_study(foresee, make_study, run):
    run(make_study())
    assert foresee(make_study()).sentence() == "no trials remain"


def test_without_a_finished_trial_the_time_is_not_known(foresee, make_study):
    assert "--pilot" in foresee(make_study()).sentence()


def test_a_pilot_times_every_view(foresee, make_study):
    seen = foresee(make_study(), pilot=True)
    assert all(seconds > 0 for seconds in seen.trial_s.values())


@pytest.mark.parametrize(("loading_s", "each"), [(0.0, 1), (60.0, 2)])
def test_a_long_pilot_trains_each_view_once(foresee, make_study, write_module, tmp_path, monkeypatch, loading_s, each):
    """Only a short training is repeated without the time of loading."""
    monkeypatch.setattr("hpstudy.engine.forecast.LOADING_S", loading_s)
    trainings = tmp_path / "trainings"
    use = write_module(
        f"def f(params, seed):\n    with open({str(trainings)!r}, 'a') as file:\n        file.write('.')\n    return 0.0\n"
    )
    foresee(make_study(use=use), pilot=True)
    assert trainings.read_text() == "." * 2 * each


def test_a_pilot_stores_nothing(foresee, make_study, storage):
    foresee(make_study(), pilot=True)
    assert not storage.exists()


def test_twice_the_workers_take_half_the_time(foresee, make_study):
    seen = [foresee(make_study(), workers=workers) for workers in (1, 2)]
    for one in seen:
        one.trial_s.update(both=60.0, one=60.0)
    assert [one.sentence().split("about ")[1].split(" with")[0] for one in seen] == ["12 min 0 s", "6 min 0 s"]


def test_the_database_of_another_study_is_refused(foresee, make_study, run):
    run(make_study(noise=0.5))
    with pytest.raises(StudyChanged):
        foresee(make_study(noise=0.25))


def test_trials_of_an_unfinished_search_are_left(foresee, make_study, run):
    run(make_study(trials=2))
    assert left(foresee(make_study(trials=6))) == {"both": 8, "one": 8}


def test_all_trials_that_have_ended_are_done(foresee, make_study):
    seen = foresee(make_study())
    counts = {key: Counts(3, running=1, completed=1, failed=1) for key in seen.counts}
    row = replace(seen, counts=counts).rows()[0]
    assert (row["planned"], row["done"], row["left"]) == (6, 4, 2)


def test_a_pilot_shares_the_time_of_asking_among_the_searches_of_a_group(foresee, make_study, monkeypatch):
    monkeypatch.setattr("hpstudy.engine.forecast.ask", lambda request: SimpleNamespace(duration_s=4000.0))
    seen = foresee(make_study(searcher="ax", trials=8, replicates=2, lockstep=2), pilot=True)
    assert all(seen.trial_s[view] == pytest.approx(2000.0 + seen.train_s[view]) for view in ("both", "one"))


def asking(study, seeds):
    return study.model_copy(update={"confirm": Confirm(seeds=seeds)})


def test_a_new_study_has_a_confirmation_of_every_search_and_view_on_every_seed_left(foresee, make_study):
    assert left(foresee(asking(make_study(), 5))) == {"both": 6, "one": 6, "both/confirm": 15, "one/confirm": 15}


def test_confirmations_are_counted_for_the_points_that_a_study_which_grows_will_have(foresee, make_study, run, storage):
    run(make_study())
    confirm_study(bind(make_study()), storage, RunOptions(executor="inline"), Confirm(seeds=2))
    assert foresee(make_study()).sentence() == "no trials remain"
    rows = {row["view"]: row for row in foresee(make_study(replicates=3)).rows()}
    assert (rows["one/confirm"]["planned"], rows["one/confirm"]["done"], rows["one/confirm"]["left"]) == (8, 6, 2)
    # A longer search confirms nothing new unless it finds something better.
    assert left(foresee(make_study(trials=4)))["one/confirm"] == 0


def test_a_confirmation_takes_the_time_of_training_alone(foresee, make_study, run, storage):
    run(make_study())
    with Store.open(storage) as store, store._database.transaction() as connection:
        connection.execute("UPDATE trial SET ask_s = 540.0, evaluate_s = 60.0")
    seen = foresee(asking(make_study(), 5), workers=2)
    assert seen.trial_s == {"both": 600.0, "one": 600.0, "both/confirm": 60.0, "one/confirm": 60.0}
    assert seen.sentence().startswith("30 trials left: about 15 min 0 s with 2 workers")
    key = next(iter(seen.counts))
    assert (
        replace(seen, workers=1, counts={key: Counts(planned=1)})
        .sentence()
        .startswith("1 trial left: about 10 min 0 s with 1 worker (")
    )


def test_a_study_without_confirmations_is_told_what_they_take(foresee, make_study):
    seen = foresee(make_study(), workers=2)
    said = "`hpstudy confirm` adds 30 trials (6 points on 5 fresh seeds)"
    assert seen.confirmation_sentence() == said
    seen.trial_s.update(both=600.0, one=600.0)
    seen.train_s.update(both=60.0, one=20.0)
    assert seen.confirmation_sentence() == f"{said}: about 10 min 0 s with 2 workers"
    assert foresee(asking(make_study(), 5)).confirmation_sentence() == ""


def test_a_sweep_has_no_confirmation(foresee, make_study):
    assert replace(foresee(make_study()), sweep=True).confirmation_sentence() == ""


def test_a_study_in_lockstep_is_told_how_many_steps_can_run_side_by_side(foresee, make_study, run):
    assert foresee(make_study()).lockstep_sentence() == ""
    study = make_study(replicates=4, lockstep=2)
    alone = "in lockstep: 4 groups of 2 searches, whose points are chosen together; the task trains each trial alone"
    assert foresee(study).lockstep_sentence() == alone
    together = replace(foresee(study), stacks=True)
    said = "whose trials are trained together; remaining groups: 4, the maximum number of busy workers"
    assert together.lockstep_sentence() == f"in lockstep: 4 groups of 2 searches, {said}"
    together.trial_s.update(both=60.0, one=60.0)
    assert [replace(together, workers=workers).sentence().split("about ")[1][:6] for workers in (1, 4, 9)] == [
        "24 min",
        "6 min ",
        "6 min ",
    ]
    run(make_study(replicates=2, lockstep=2))
    assert "; remaining groups: 2," in replace(foresee(study), stacks=True).lockstep_sentence()


def test_ctrl_c_ends_a_pilot(make_study, write_module, storage, tmp_path):
    use = write_module("import os, signal\ndef f(params, seed):\n    os.kill(os.getpid(), signal.SIGINT)\n    return 1.0")
    with pytest.raises(Aborted):
        forecast(bind(make_study(use=use), str(tmp_path)), storage, workers=1, pilot=True)


def test_a_pilot_counts_the_time_of_asking(foresee, make_study, write_module):
    searcher = write_module(
        """
import time
from pydantic import BaseModel
from hpstudy.search.interface import Searcher

class f(Searcher):
    class Settings(BaseModel): ...

    def ask(self, space, history, *, goal, seed, number):
        assert [past.number for past in history] == list(range(number)) and number == 4
        time.sleep(0.5)
        return space.default()
"""
    )
    seen = foresee(make_study(searcher=searcher, trials=8), pilot=True)
    assert all(seen.trial_s[view] >= seen.train_s[view] + 0.5 for view in ("both", "one"))
    assert "and the choice of one point" in seen.sentence()
