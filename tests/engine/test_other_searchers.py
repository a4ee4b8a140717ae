"""Other searchers: arms that run beside the searches of the views, by the same rules."""

import multiprocessing
import os
import signal

import pytest

from hpstudy.analysis import analyze
from hpstudy.engine.confirm import confirm_study
from hpstudy.engine.forecast import forecast
from hpstudy.engine.merge import merge_shards
from hpstudy.engine.options import RunOptions
from hpstudy.engine.progress import Observer
from hpstudy.engine.requests import AskRequest
from hpstudy.engine.run import run_study
from hpstudy.engine.step import ask
from hpstudy.engine.trial_seeds import search_seed
from hpstudy.errors import StudyChanged
from hpstudy.loading.bind import bind
from hpstudy.loading.make import searcher_of
from hpstudy.store import Reader, check
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Confirm, Study
from hpstudy.study.shard import Shard
from tests.engine.test_users_searcher import SEARCHER

TPE = {"searcher": "tpe", "initial": 2}


@pytest.fixture
def searched(make_study, tmp_path):
    """A study whose main searcher is random search, with other searchers: searched("sobol", controls=["default"], trials=4)."""

    def make(*others, controls=(), confirm=None, enqueue=(), **options):
        tree = make_study(**options).model_dump(mode="json")
        tree["search"]["others"] = list(others)
        tree["views"]["both"]["enqueue"] = list(enqueue)
        return bind(Study.model_validate({**tree, "controls": list(controls), "confirm": confirm}), str(tmp_path)).study

    return make


def of(measured, *arms):
    return {key: value for key, value in measured.items() if key[0] in arms}


def test_every_searcher_searches_every_view_with_the_same_training_seeds(run, searched, measured, storage, write_module):
    use = write_module("def f(params, seed):\n    return {'value': float(seed % 10**6)}\n")
    assert run(searched("sobol", TPE, use=use, goal="maximize")).complete
    found = measured(storage)
    assert len(found) == 2 * 2 * 3 * 3
    for replicate in (0, 1):
        for number in (0, 1, 2):
            seeds = {found[arm, replicate, number][2] for arm in ("both", "one", "both/sobol", "one/tpe")}
            assert len(seeds) == 1
    points = [tuple(point.values()) for point, _, _ in of(found, "both", "both/sobol", "both/tpe").values()]
    assert len(set(points)) == len(points)


def test_another_searcher_proposes_what_it_proposes_as_the_main_one(searched):
    """Up to the seed, which comes from the name of the arm."""
    key = SearchKey("both/sobol", 1)
    study = searched("sobol")
    (point,) = ask(AskRequest(study.to_json(), (key,), 2, ((),))).points
    sobol, space = searcher_of(study, "sobol"), study.views["both"].space
    assert point == sobol.ask(space, (), goal="minimize", seed=search_seed(study, key), number=2)


def test_other_searchers_added_later_equal_those_declared_from_the_start(run, searched, measured, storage):
    run(searched("sobol", TPE, controls=["default"]))
    from_the_start = measured(storage)
    storage.unlink()
    run(searched())
    alone = measured(storage)
    assert run(searched(TPE)).ran == 12
    assert run(searched("sobol", TPE, controls=["default"])).ran == 12 + 4
    assert measured(storage) == from_the_start
    assert of(from_the_start, "both", "one") == alone
    with Reader.open(storage) as reader:
        changes = [event.detail["changes"] for event in reader.events() if event.kind == "study_changed"]
    assert any(line.startswith("search.others.tpe.initial: absent -> ") for line in changes[0])


def test_a_searcher_is_not_removed_and_not_exchanged(run, searched, storage):
    run(searched("sobol", TPE))
    with pytest.raises(StudyChanged, match=r"search\.others: \[sobol, tpe\] -> \[tpe\] \(may grow, not shrink\)"):
        run(searched(TPE))
    with pytest.raises(StudyChanged, match=r"search\.searcher: random -> sobol"):
        run(searched("random", TPE, searcher="sobol"))
    with pytest.raises(StudyChanged, match=r"search\.others\.tpe\.initial: 2 -> 1"):
        run(searched("sobol", {"searcher": "tpe", "initial": 1}))


def test_random_search_that_was_a_control_becomes_another_searcher_without_a_trial(run, searched, measured, storage):
    run(searched(controls=["random"], searcher="sobol"))
    before = measured(storage)
    assert run(searched("random", searcher="sobol")).ran == 0
    assert measured(storage) == before


class KillAfter(Observer):
    """Kills this process after this many trials."""

    def __init__(self, trials):
        self.left = trials

    def trial_finished(self, search, trial, outcome):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("incumbents", [False, True])
def test_a_run_killed_among_other_searches_resumes_to_the_same_numbers(run, searched, measured, storage, incumbents):
    study = searched("sobol", TPE, confirm={"seeds": 2, "incumbents": incumbents})
    process = multiprocessing.get_context("fork").Process(
        target=run_study, args=(bind(study), storage, RunOptions(executor="inline", observer=KillAfter(13)))
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert run(study).complete
    resumed = measured(storage)
    storage.unlink()
    run(study)
    assert measured(storage) == resumed
    assert check(storage) == []


def test_what_other_searchers_chose_is_confirmed_and_the_default_point_once(run, searched, storage):
    assert run(searched("sobol", controls=["random"], confirm={"seeds": 2})).counts.planned == 3 * 12 + 2 * (2 * 4 + 2)
    with Reader.open(storage) as reader:
        fresh = reader.confirmations()
        counts = {name: count.completed for name, count in reader.counts().items() if name.endswith("/confirm")}
    assert counts == {"both/confirm": 6, "one/confirm": 6, "both/sobol/confirm": 4, "one/sobol/confirm": 4}
    assert list(dict.fromkeys(fresh["view"])) == ["both", "one", "both/sobol", "one/sobol"]
    assert set(fresh[fresh["number"].isna()]["view"]) == {"both", "one"}


def test_confirm_adds_confirmations_of_every_searcher(run, searched, storage, tmp_path):
    run(searched("sobol"))
    with Reader.open(storage) as reader:
        loaded = bind(reader.study, str(tmp_path))
    assert confirm_study(loaded, storage, RunOptions(executor="inline"), Confirm(seeds=2)).ran == 2 * (2 * 4 + 2)
    assert check(storage) == []


def test_searchers_run_in_lockstep(run, searched, measured, storage):
    run(searched("sobol", TPE, lockstep=2))
    together = measured(storage)
    storage.unlink()
    run(searched("sobol", TPE))
    assert {key: point for key, (point, _, _) in together.items()} == {
        key: point for key, (point, _, _) in measured(storage).items()
    }


def test_enqueued_points_are_the_first_trials_of_every_searcher(run, searched, measured, storage):
    first = {"x1": 1.0, "x2": 2.0}
    run(searched("sobol", TPE, enqueue=[first], controls=["default"]))
    found = measured(storage)
    assert [found[arm, 1, 0][0] for arm in ("both", "both/sobol", "both/tpe")] == [first] * 3
    assert found["both/sobol", 1, 1][0] != first


def test_shards_hold_the_searches_of_every_searcher(run, searched, measured, storage, tmp_path):
    study = searched("sobol", confirm={"seeds": 2})
    run(study)
    parts = [tmp_path / f"part-{index}.sqlite" for index in (0, 1)]
    for index, part in enumerate(parts):
        run_study(bind(study), part, RunOptions(executor="inline", shard=Shard(index, 2)))
    merged = tmp_path / "merged.sqlite"
    merge_shards(parts, merged)
    assert measured(merged) == measured(storage)
    assert check(merged) == []


def test_a_users_other_searcher_is_imported_in_its_own_process_and_gets_a_small_seed(
    run, searched, write_module, storage, measured
):
    body = "assert seed < 2**31\n        return {**space.default(), 'x1': number / 10}"
    use = write_module(SEARCHER.format(body=body))
    study = searched(use)
    assert search_seed(study, SearchKey("both/" + use, 0)) < 2**31
    assert AskRequest(study.to_json(), (SearchKey("both", 0),), 0, ((),)).user_modules == ()
    assert AskRequest(study.to_json(), (SearchKey(f"both/{use}", 0),), 0, ((),)).user_modules == (use.split(":")[0],)
    assert run(study, executor="processes", workers=1).complete
    assert [measured(storage)[f"one/{use}", 1, number][0]["x1"] for number in (0, 1, 2)] == [0.0, 0.1, 0.2]


def test_a_pilot_times_the_choice_of_points_of_every_searcher_that_learns(searched, storage):
    planned = forecast(bind(searched(TPE, "sobol", controls=["default"])), storage, workers=1, pilot=True)
    rows = {row["view"]: row for row in planned.rows()}
    assert (
        rows["both/tpe"]["trial_s"] > planned.train_s["both"] == rows["both/sobol"]["trial_s"] == rows["both/default"]["trial_s"]
    )


def test_the_analysis_of_the_views_does_not_see_other_searchers(run, searched, storage):
    """Not even in the worst value of all confirmations, which counts for a training without one."""

    def numbers(results):
        views = [(view.name, view.curve.mean.tolist(), view.budgets, view.completeness) for view in results.views]
        return views, [curve.scored.tolist() for curve in results.confirmed], results.confirmation

    confirm = {"seeds": 2, "incumbents": True}
    run(searched(confirm=confirm, replicates=3))
    with Reader.open(storage) as reader:
        alone = analyze(reader)
    run(searched("sobol", TPE, confirm=confirm, replicates=3))
    with Reader.open(storage) as reader:
        beside = analyze(reader)
    assert repr(numbers(beside)) == repr(numbers(alone))
    assert [(pair.a, pair.b) for pair in beside.pairs] == [("both", "one")]
    assert beside.failures == alone.failures


def test_random_search_is_a_control_also_as_another_searcher(run, searched, storage):
    run(searched("random", searcher="sobol"))
    with Reader.open(storage) as reader:
        controls = analyze(reader).controls
    assert controls is not None
    assert [view.random is not None for view in controls.views] == [True, True]
    assert [view.default for view in controls.views] == [None, None]
