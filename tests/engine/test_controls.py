import multiprocessing
import os
import signal

import pytest

from hpstudy.engine.forecast import forecast
from hpstudy.engine.options import RunOptions
from hpstudy.engine.progress import Observer
from hpstudy.engine.run import run_study
from hpstudy.engine.trial_seeds import search_seed, training_seed
from hpstudy.errors import StudyChanged, UsageError
from hpstudy.loading.bind import bind
from hpstudy.store import Reader, Store, check
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study


@pytest.fixture
def controlled(make_study):
    def make(*controls, **options):
        study = make_study(**options)
        return Study.model_validate({**study.model_dump(mode="json"), "controls": list(controls)})

    return make


def of_views(measured):
    return {key: value for key, value in measured.items() if "/" not in key[0]}


def test_controls_run_beside_the_searches(run, controlled, measured, storage):
    summary = run(controlled("default", "random"))
    assert (summary.complete, summary.ran, summary.counts.planned) == (True, 2 * 12 + 4, 2 * 12 + 4)
    found = measured(storage)
    assert sorted(key for key in found if key[0] == "one/default") == [("one/default", 0, 0), ("one/default", 1, 0)]
    assert sum(key[0] == "both/random" for key in found) == 6


def test_the_default_control_trains_the_default_point_once_per_replicate(run, controlled, measured, storage):
    study = controlled("default")
    run(study)
    for name, view in study.views.items():
        assert [measured(storage)[f"{name}/default", replicate, 0][0] for replicate in (0, 1)] == [view.space.default()] * 2


def test_the_default_point_trains_with_the_seed_of_trial_zero(run, controlled, measured, storage, write_module):
    use = write_module("def f(params, seed):\n    return {'value': float(seed % 10**6)}\n")
    study = controlled("default", "random", use=use, goal="maximize")
    run(study)
    found = measured(storage)
    for replicate in (0, 1):
        for number in (0, 1, 2):
            expected = float(training_seed(study, replicate, number) % 10**6)
            assert found["both", replicate, number][2] == found["both/random", replicate, number][2] == expected
        assert found["both/default", replicate, 0][2] == found["both", replicate, 0][2]


def test_the_points_of_random_controls_are_those_of_no_other_search(run, controlled, measured, storage):
    run(controlled("random", searcher="random"))
    points = [tuple(point.values()) for point, _, _ in measured(storage).values()]
    assert len(set(points)) == len(points)


def test_every_control_search_has_a_seed_of_its_own(controlled):
    study = controlled("random")
    keys = [SearchKey(name, r) for name in ("both", "one", "both/random", "one/random") for r in (0, 1)]
    assert len({search_seed(study, key) for key in keys}) == len(keys)


def test_controls_change_no_trial_of_the_searches(run, controlled, measured, storage):
    run(controlled())
    before = measured(storage)
    storage.unlink()
    run(controlled("default", "random"))
    assert of_views(measured(storage)) == before


def test_controls_added_to_a_finished_study_equal_those_declared_from_the_start(run, controlled, measured, storage):
    run(controlled("default", "random"))
    from_the_start = measured(storage)
    storage.unlink()
    run(controlled())
    alone = measured(storage)
    assert run(controlled("random")).ran == 12
    assert run(controlled("random", "default")).ran == 4
    assert measured(storage) == from_the_start
    assert of_views(from_the_start) == alone


def test_added_controls_are_recorded(run, controlled, storage):
    run(controlled())
    run(controlled("default"))
    with Reader.open(storage) as reader:
        (event,) = [event.detail for event in reader.events() if event.kind == "study_changed"]
    assert event["controls"] == [[], ["default"]]


def test_a_study_that_grows_without_controls_records_none(run, controlled, storage):
    run(controlled(replicates=1))
    run(controlled(replicates=2))
    with Reader.open(storage) as reader:
        (event,) = [event.detail for event in reader.events() if event.kind == "study_changed"]
    assert "controls" not in event


def test_controls_grow_with_the_study(run, controlled, measured, storage):
    run(controlled("default", "random", trials=2, replicates=1))
    run(controlled("default", "random"))
    grown = measured(storage)
    storage.unlink()
    run(controlled("default", "random"))
    assert measured(storage) == grown


def test_a_control_is_not_removed(run, controlled, storage):
    run(controlled("default", "random"))
    with pytest.raises(StudyChanged, match=r"controls: \[default, random\] -> \[default\] \(may grow, not shrink\)"):
        run(controlled("default"))
    with Store.open(storage) as store, pytest.raises(StudyChanged, match=r"controls: .* \(may grow, not shrink\)"):
        store.grow(controlled("default"))


class KillAfter(Observer):
    """Kills this process after this many trials."""

    def __init__(self, trials):
        self.left = trials

    def trial_finished(self, search, trial, outcome):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("trials", [7, 11])
def test_a_run_killed_in_its_controls_resumes_to_the_same_numbers(trials, run, controlled, measured, storage):
    study = controlled("default", "random")
    process = multiprocessing.get_context("fork").Process(
        target=run_study, args=(bind(study), storage, RunOptions(executor="inline", observer=KillAfter(trials)))
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert run(study).ran == 28 - trials
    resumed = measured(storage)
    storage.unlink()
    run(study)
    assert measured(storage) == resumed


def test_the_database_of_a_study_with_controls_is_sound(run, controlled, storage):
    run(controlled("default", "random"))
    assert check(storage) == []


def test_a_missing_control_search_is_found_by_the_check(run, controlled, storage):
    import sqlite3

    run(controlled("default"))
    with sqlite3.connect(storage) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        (search,) = connection.execute(
            "SELECT search.id FROM search JOIN view ON view.id = view_id WHERE view.name = 'one/default' AND replicate = 1"
        ).fetchone()
        connection.execute("DELETE FROM metric_value WHERE trial_id IN (SELECT id FROM trial WHERE search_id = ?)", (search,))
        connection.execute("DELETE FROM trial WHERE search_id = ?", (search,))
        connection.execute("DELETE FROM search WHERE id = ?", (search,))
    connection.close()
    assert "one/default/1: the search is missing" in check(storage)


def test_counts_tell_views_and_controls_apart(run, controlled, storage):
    run(controlled("default", "random"))
    with Reader.open(storage) as reader:
        planned = {name: counts.planned for name, counts in reader.counts().items()}
        completed = {name: counts.completed for name, counts in reader.counts().items()}
    assert planned == completed
    assert planned == {"both": 6, "one": 6, "both/default": 2, "both/random": 6, "one/default": 2, "one/random": 6}


def test_the_best_of_a_view_is_never_that_of_a_control(run, controlled, measured, storage):
    run(controlled("default", "random", searcher="sobol", trials=2))
    found = measured(storage)
    with Reader.open(storage) as reader:
        for name in ("both", "one", "both/random", "one/default"):
            assert reader.best(name).objective == min(value[2] for key, value in found.items() if key[0] == name)
        with pytest.raises(UsageError, match="no view 'one/other'"):
            reader.best("one/other")


def test_trials_of_controls_carry_their_names_in_the_table(run, controlled, storage):
    run(controlled("default"))
    with Reader.open(storage) as reader:
        table = reader.trials()
    assert table.groupby("view", sort=False).size().to_dict() == {"both": 6, "one": 6, "both/default": 2, "one/default": 2}
    assert table["point.x1"].notna().all()


def test_a_forecast_has_a_row_for_every_control(run, controlled, storage):
    study = controlled("default", "random")
    run(controlled())
    planned = forecast(bind(study), storage, workers=1, pilot=False)
    rows = {row["view"]: row for row in planned.rows()}
    assert (rows["both"]["left"], rows["both/random"]["left"], rows["both/default"]["left"]) == (0, 6, 2)
    with Reader.open(storage) as reader:  # a control asks no searcher
        assert rows["both/random"]["trial_s"] == reader.mean_train_s()["both"] < rows["both"]["trial_s"]
    assert planned.sentence().startswith("16 trials left: about ")


def test_the_analysis_of_the_views_does_not_see_controls(run, controlled, storage):
    from hpstudy.analysis import analyze

    def numbers(results):
        return [(view.name, view.curve.mean.tolist(), view.budgets, view.completeness) for view in results.views]

    run(controlled(replicates=3))
    with Reader.open(storage) as reader:
        alone = analyze(reader)
    run(controlled("default", "random", replicates=3))
    with Reader.open(storage) as reader:
        beside = analyze(reader)
    assert numbers(beside) == numbers(alone)
    assert [(pair.a, pair.b) for pair in beside.pairs] == [("both", "one")]
    assert beside.failures == alone.failures
