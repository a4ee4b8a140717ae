import pytest

from hpstudy.engine.forecast import forecast
from hpstudy.errors import StudyChanged


@pytest.fixture
def foresee(storage):
    def foresee(study, *, workers=1, pilot=False):
        return forecast(study, storage, None, workers=workers, pilot=pilot)

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
    assert foresee(make_study()).sentence() == "nothing is left to run"


def test_without_a_finished_trial_the_time_is_not_known(foresee, make_study):
    assert "--pilot" in foresee(make_study()).sentence()


def test_a_pilot_times_every_view(foresee, make_study):
    seen = foresee(make_study(), pilot=True)
    assert all(seconds > 0 for seconds in seen.trial_s.values())


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
