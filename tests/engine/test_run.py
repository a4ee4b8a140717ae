import gc
import hashlib
import json
import os
import signal
import sqlite3
import weakref

import pytest

from hpstudy.engine.environment import host_environment
from hpstudy.engine.identity import identity_of
from hpstudy.engine.progress import Observer
from hpstudy.engine.stop import Aborted
from hpstudy.errors import StoreBusy, StudyBroken, StudyChanged, UsageError
from hpstudy.loading.bind import bind
from hpstudy.modules import module_path
from hpstudy.store import Reader, Store, check
from hpstudy.store.seals import seal_all
from hpstudy.study.plan import SearchKey
from hpstudy.study.schema import Study
from hpstudy.tasks.functions import Branin


def events(path, kind):
    with Reader.open(path) as reader:
        return [event.detail for event in reader.events() if event.kind == kind]


def test_a_run_says_that_it_is_complete(run, make_study):
    summary = run(make_study())
    counts = summary.counts
    assert (summary.complete, summary.interrupted, counts.finished, counts.planned, summary.ran) == (True, False, 12, 12, 12)


def test_running_again_runs_nothing(run, make_study):
    run(make_study())
    assert run(make_study()).ran == 0


def test_the_folder_of_the_database_is_made(make_study, tmp_path):
    from hpstudy.engine.options import RunOptions
    from hpstudy.engine.run import run_study
    from hpstudy.loading.bind import bind

    assert run_study(bind(make_study()), tmp_path / "new/folder/x.sqlite", RunOptions(executor="inline")).complete


def test_a_changed_study_is_refused_with_its_changed_keys(run, make_study):
    run(make_study(noise=0.5))
    with pytest.raises(StudyChanged, match=r"noise: 0\.5 -> 0\.25"):
        run(make_study(noise=0.25))


def test_a_study_with_another_name_is_refused_and_the_database_keeps_its_name(run, make_study, storage):
    run(make_study())
    with pytest.raises(StudyChanged, match="name: tiny -> other") as caught:
        run(make_study(trials=4).model_copy(update={"name": "other"}))
    assert caught.value.hint == "to continue this study, use the name 'tiny'; for a separate study, use another --storage"
    with Reader.open(storage) as reader:
        assert (reader.study.name, reader.study.search.trials) == ("tiny", 3)


def test_a_study_may_not_shrink(run, make_study):
    run(make_study(replicates=2))
    with pytest.raises(StudyChanged, match="replicates"):
        run(make_study(replicates=1))


def test_a_study_that_grew_runs_what_was_added(run, make_study, measured, storage):
    run(make_study(trials=2, replicates=1))
    before = measured(storage)
    assert run(make_study(trials=3, replicates=2)).ran == 12 - 4
    assert measured(storage).items() >= before.items()


def test_a_grown_study_equals_one_that_was_large_from_the_start(run, make_study, measured, storage):
    run(make_study(trials=2, replicates=1))
    run(make_study())
    grown = measured(storage)
    storage.unlink()
    run(make_study())
    assert measured(storage) == grown


def forget(path, block, setting):
    """Make a database one of a version of hpstudy that did not have this setting."""
    with sqlite3.connect(path) as connection:
        tree = json.loads(connection.execute("SELECT definition FROM study").fetchone()[0])
        del tree[block][setting]
        old = Study.model_validate(tree)
        connection.execute("UPDATE study SET definition = ?, fingerprint = ?", (old.to_json(), old.fingerprint()))
        seal_all(connection)
    connection.close()


def test_a_database_from_before_a_setting_existed_goes_on(run, make_study, measured, storage):
    default = Branin.Settings().noise
    run(make_study(noise=default))
    whole = measured(storage)
    storage.unlink()
    run(make_study(noise=default, replicates=1))
    forget(storage, "task", "noise")
    assert run(make_study(noise=default)).complete
    assert measured(storage) == whole
    (event,) = events(storage, "study_changed")
    assert [line.split(":")[0] for line in event["settings"]] == ["task.noise"]
    assert check(storage) == []


def test_a_setting_that_a_database_lacks_is_no_way_around_a_change(run, make_study, storage):
    run(make_study(noise=0.25, replicates=1))
    forget(storage, "task", "noise")
    with pytest.raises(StudyChanged, match="noise"):
        run(make_study(noise=0.25))


def test_growth_is_recorded(run, make_study, storage):
    run(make_study(replicates=1))
    run(make_study(replicates=2))
    assert [event["replicates"] for event in events(storage, "study_changed")] == [[1, 2]]


def test_a_function_whose_source_changed_is_refused(run, make_study, write_module):
    use = write_module("def f(params, seed): return 1.0")
    run(make_study(use=use, replicates=1))
    write_module("def f(params, seed): return 2.0")
    with pytest.raises(StudyChanged, match="source of"):
        run(make_study(use=use, replicates=2))


def sha256(folder, file):
    return hashlib.sha256((folder / file).read_bytes()).hexdigest()


def test_a_changed_function_may_be_allowed_and_is_recorded(run, make_study, write_module, storage, tmp_path):
    use = write_module("def f(params, seed): return 1.0")
    run(make_study(use=use, replicates=1))
    write_module("def f(params, seed): return 2.0")
    assert run(make_study(use=use, replicates=2), allow_changed_code=True).complete
    name = f"source of {use.removesuffix(':f')}.py"
    ((changed,),) = [event["sources"].items() for event in events(storage, "code_changed")]
    with Reader.open(storage) as reader:
        assert changed == (name, {"old": reader.identity[name], "new": sha256(tmp_path, name.removeprefix("source of "))})


def test_changed_data_are_refused_whatever_is_allowed(run, make_study, monkeypatch):
    from hpstudy.tasks.functions import Branin

    monkeypatch.setattr(Branin, "identity", lambda self: {"features": "abc"}, raising=False)
    run(make_study(replicates=1))
    monkeypatch.setattr(Branin, "identity", lambda self: {"features": "xyz"}, raising=False)
    with pytest.raises(StudyChanged, match="features"):
        run(make_study(replicates=2), allow_changed_code=True)


def test_other_libraries_are_recorded_and_allowed(run, make_study, storage, monkeypatch):
    from hpstudy.engine import environment

    run(make_study(replicates=1))
    monkeypatch.setattr(environment, "version", lambda name: "0.0.1")
    environment.host_environment.cache_clear()  # as in another process
    assert run(make_study(replicates=2)).complete
    environment.host_environment.cache_clear()
    assert any("torch" in line for event in events(storage, "environment_changed") for line in event["differences"])


def test_a_recorded_version_of_ax_is_no_difference(run, make_study, storage, monkeypatch):
    from hpstudy.engine import environment

    with monkeypatch.context() as patch:
        patch.setattr(environment, "LIBRARIES", (*environment.LIBRARIES, "ax-platform"))
        environment.host_environment.cache_clear()
        run(make_study(replicates=1))
    environment.host_environment.cache_clear()
    run(make_study(replicates=2))
    assert events(storage, "environment_changed") == []


def test_a_session_is_compared_with_the_last_one(run, make_study, storage):
    with Store.create(storage, make_study(replicates=1)) as store:
        store.begin_session({**host_environment(), "numpy": "1.0"})
    run(make_study(replicates=1))
    run(make_study(replicates=2))
    (event,) = events(storage, "environment_changed")
    assert [line.split()[:2] for line in event["differences"]] == [["numpy", "1.0"]]


def test_every_session_records_where_it_ran(run, make_study, storage):
    run(make_study(replicates=1))
    with Reader.open(storage) as reader:
        (session,) = reader.environments()
    assert {"python", "numpy", "cpu", "host"} <= set(session.detail)


def test_a_second_run_at_the_same_time_is_refused(run, make_study, storage):
    study = make_study()
    with Store.create(storage, study), pytest.raises(StoreBusy, match=str(os.getpid())):
        run(study)


def test_the_database_is_free_after_a_run(run, make_study, storage):
    run(make_study())
    with Reader.open(storage) as reader:
        assert reader.owner() is None


def test_the_database_is_free_after_a_broken_study(run, make_study, write_module, storage):
    with pytest.raises(StudyBroken, match="ZeroDivisionError"):
        run(make_study(use=write_module("def f(params, seed): return 1 / 0"), limits={"max_failures": 2}))
    with Reader.open(storage) as reader:
        assert reader.owner() is None


def test_the_inline_executor_refuses_a_time_out(run, make_study):
    with pytest.raises(UsageError, match="inline"):
        run(make_study(limits={"timeout_s": 5}))


def test_a_foreign_database_stays_as_it_is(run, make_study, storage):
    with sqlite3.connect(storage) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = storage.read_bytes()
    with pytest.raises(Exception, match="not an hpstudy database"):
        run(make_study())
    assert storage.read_bytes() == before


STOPPING = "import os, signal\ndef f(params, seed):\n    os.kill(os.getpid(), signal.{signal})\n    {again}\n    return 1.0"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_first_signal_lets_the_running_trial_finish(run, make_study, write_module, measured, storage, name):
    summary = run(make_study(use=write_module(STOPPING.format(signal=name, again="")), replicates=1))
    assert (summary.interrupted, summary.complete) == (True, False)
    assert [state for _, state, _ in measured(storage).values()] == ["completed"]


def test_the_second_signal_gives_the_running_trial_up(run, make_study, write_module, measured, storage):
    code = STOPPING.format(signal="SIGINT", again="os.kill(os.getpid(), signal.SIGINT)")
    with pytest.raises(Aborted):
        run(make_study(use=write_module(code), replicates=1))
    assert [state for _, state, _ in measured(storage).values()] == ["running"]


def test_signal_handlers_are_put_back(run, make_study):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run(make_study())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_run_outside_the_main_thread_leaves_signals_alone(run, make_study):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, make_study()).result().complete


def test_the_summary_counts_trials_by_state(run, make_study, write_module):
    use = write_module("def f(params, seed): return 1.0 if params['x1'] > 0 else float('nan')")
    summary = run(make_study(use=use))
    assert summary.counts.completed + summary.counts.diverged == 12
    assert "diverged" in summary.sentence()


def test_outcomes_are_let_go_once_stored(run, make_study):
    seen, alive = [], []

    class Watching(Observer):
        def trial_finished(self, search, trial, outcome):
            gc.collect()
            alive.append(sum(past() is not None for past in seen))
            seen.append(weakref.ref(outcome))

    run(make_study(), observer=Watching())
    assert max(alive) <= 1


DYING = """
import os, signal
from pathlib import Path

def f(params, seed):
    first = Path(__file__).with_name("first")
    if not first.exists():
        first.touch()
        {how}
    return params["x1"]
"""


def test_a_trial_whose_worker_is_killed_is_run_again_and_counted(run, make_study, write_module, storage):
    use = write_module(DYING.format(how="os.kill(os.getpid(), signal.SIGKILL)"))
    assert run(make_study(use=use, trials=2, replicates=1), executor="processes", workers=1).counts.completed == 4
    assert ["SIGKILL" in event["reason"] for event in events(storage, "attempt")] == [True]
    with Store.open(storage) as store:
        assert [trial.attempts for trial in store.history(SearchKey("both", 0))] == [2, 1]


def test_a_trial_that_takes_too_long_is_ended_and_the_search_goes_on(run, make_study, write_module, measured, storage):
    use = write_module(DYING.format(how="import threading; threading.Event().wait()"))
    study = make_study(use=use, trials=2, replicates=1, limits={"timeout_s": 2})
    run(study, executor="processes", workers=1)
    states = [state for _, state, _ in measured(storage).values()]
    assert states == ["timed_out", "completed", "completed", "completed"]
    longer = study.model_copy(update={"limits": study.limits.model_copy(update={"timeout_s": 9.0})})
    with pytest.raises(StudyChanged, match=r"limits.timeout_s: 2 -> 9 \(1 trial has ended at the old limit\)"):
        run(longer, executor="processes", workers=1)


def test_both_executors_measure_the_same(run, make_study, measured, storage):
    run(make_study(searcher="sobol"))
    inline = measured(storage)
    storage.unlink()
    run(make_study(searcher="sobol"), executor="processes", workers=2)
    assert measured(storage) == inline


def test_a_failed_trial_names_the_log_of_its_worker(run, make_study, write_module, storage):
    use = write_module("def f(params, seed):\n    print('before')\n    raise ValueError")
    run(make_study(use=use, trials=1, replicates=1), executor="processes", workers=1)
    (log,) = storage.with_name(storage.name + ".logs").iterdir()
    connection = sqlite3.connect(storage)
    assert {path for (path,) in connection.execute("SELECT log_path FROM trial")} == {f"{log.parent.name}/{log.name}"}
    connection.close()


@pytest.mark.parametrize("epoch", ["2**70", "0.5"])
def test_a_report_that_cannot_be_kept_is_a_failed_trial(run, make_study, write_module, storage, epoch):
    code = f"def f(params, seed, report):\n    if params['x1'] > 0: report({epoch}, loss=0.5)\n    return params['x1']"
    summary = run(make_study(use=write_module(code), trials=8))
    assert summary.complete
    assert 0 < summary.counts.failed < summary.counts.finished
    with Reader.open(storage) as reader:
        failed = reader.trials().query("state == 'failed'")
    assert set(failed["error_type"]) == {"InvalidResult"}


SEEDED = "import numpy as np\ndef f(params, seed):\n    np.random.seed(seed)\n    return np.random.rand()"


def test_the_seed_of_a_users_function_is_one_that_numpy_accepts(run, make_study, write_module, storage):
    study = make_study(use=write_module(SEEDED)).model_copy(update={"seed_bits": None})
    assert run(study).counts.completed == 12
    with Reader.open(storage) as reader:
        assert reader.study.seed_bits == 31
    assert run(study.model_copy(update={"replicates": 3})).counts.completed == 18


@pytest.mark.parametrize("stated", [None, 63])
def test_a_database_with_seeds_of_63_bits_keeps_them(run, make_study, write_module, tmp_path, storage, stated):
    study = make_study(use=write_module("def f(params, seed): return float(seed >> 40)"))
    without = study.model_copy(update={"seed_bits": None})
    with module_path(str(tmp_path)):
        identity = identity_of(study, bind(study, str(tmp_path)).task)
    Store.create(storage, without, identity=identity, module_path=str(tmp_path)).close()
    assert run(study.model_copy(update={"seed_bits": stated, "replicates": 3})).counts.completed == 18
    with Reader.open(storage) as reader:
        assert reader.study.seed_bits is None
        assert reader.trials()["objective"].max() > 2**20


def test_another_size_of_seeds_is_another_study(run, make_study, write_module):
    study = make_study(use=write_module("def f(params, seed): return 1.0"))
    run(study)
    with pytest.raises(StudyChanged, match="seed_bits: 31 -> 63"):
        run(study.model_copy(update={"seed_bits": 63}))


def test_a_built_in_task_keeps_its_seeds(run, make_study, storage):
    run(make_study())
    with Reader.open(storage) as reader:
        assert reader.study.seed_bits is None
        assert "seed_bits" not in reader.study.to_json()
