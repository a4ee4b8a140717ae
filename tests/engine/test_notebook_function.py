"""A study of a function of a notebook: run again, resumed without the notebook, and refused when the function has changed."""

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

import hpstudy
from hpstudy.engine.progress import Observer
from hpstudy.errors import StudyChanged, StudyError, UsageError
from hpstudy.store.seals import seal_all
from hpstudy.study.schema import PICKLED
from tests.support.cells import run_cell

STUDY = {
    "name": "cells",
    "metric": {"name": "value", "goal": "minimize"},
    "views": {"v": {"space": {"x": {"type": "float", "low": 0, "high": 1}}}},
    "search": {"searcher": "random", "trials": 3},
    "replicates": 2,
}
CELL = """
    SCALE = 2.0
    def train(params, seed):
        return params["x"] * SCALE
"""
SOURCE = "source of function train"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a cell and study a function of it; keys of the study may be given."""
    monkeypatch.chdir(tmp_path)

    def run(cell=CELL, name="train", *, task=None, executor="inline", allow=False, progress=None, **changes):
        function = run_cell(cell)[name]
        study = {**STUDY, "task": function if task is None else {**task, "use": function}, **changes}
        return hpstudy.run(study, "cells.sqlite", executor=executor, workers=1, allow_changed_code=allow, progress=progress)

    return run


def stored():
    with hpstudy.open("cells.sqlite") as reader:
        return reader.study, reader.identity, [event.kind for event in reader.events()]


def cut(trials=1):
    """Leave only the first trials, as an interrupted run does."""
    with sqlite3.connect("cells.sqlite") as connection:
        connection.execute("DELETE FROM trial WHERE id > ?", (trials,))
        connection.execute("DELETE FROM metric_value WHERE trial_id > ?", (trials,))
        seal_all(connection)
    connection.close()


def test_it_runs_in_processes_and_the_same_cell_run_again_resumes(run):
    assert run(executor="processes").ran == 6
    before = stored()
    assert run(executor="processes").ran == 0
    assert run(replicates=3).ran == 3
    study, identity, kinds = stored()
    assert study.task == before[0].task
    assert identity == before[1]
    assert list(identity) == [SOURCE]
    assert kinds == ["created", "study_changed"]


def test_the_study_is_that_of_a_function_of_the_users(run):
    run()
    study, _, _ = stored()
    assert study.task.use == "__main__:train"
    assert study.task.title == "train"
    assert study.task.settings[PICKLED]["source"].startswith("def train(params, seed):")
    assert study.seed_bits == 31


def test_constants_reach_the_function(run):
    run("def train(params, seed): return params['x'] + params['k']", task={"constants": {"k": 1}})
    with hpstudy.open("cells.sqlite") as reader:
        assert (reader.trials()["objective"] >= 1).all()


def test_it_may_be_an_optuna_objective(run):
    cell = "def objective(trial): return trial.suggest_float('x', 0, 1)"
    assert run(cell, "objective", task={"style": "optuna"}).counts.completed == 6


def test_a_wrong_signature_is_refused_in_a_sentence(run):
    with pytest.raises(StudyError, match=r"'train' takes \(x\), but it must take \(params, seed\)"):
        run("def train(x): return x")


def test_a_function_of_a_module_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("named_functions.py").write_text("def train(params, seed): return params['x']\n")
    from named_functions import train

    assert hpstudy.run({**STUDY, "task": train}, "cells.sqlite", executor="inline").ran == 6
    study, identity, _ = stored()
    assert study.task.use == "named_functions:train"
    assert list(identity) == ["source of named_functions.py"]


def test_modules_next_to_the_notebook_are_found_and_their_checksums_kept(run, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    Path("beside_cells.py").write_text("def double(x): return 2 * x\n")
    run("from beside_cells import double\ndef train(params, seed): return double(params['x'])", executor="processes")
    assert list(stored()[1]) == ["source of beside_cells.py", SOURCE]


def test_nothing_of_one_trial_reaches_another(run):
    cell = """
        calls = []
        def train(params, seed):
            import os
            calls.append(params["x"])
            return {"value": params["x"], "calls": len(calls), "process": os.getpid()}
    """
    run(cell, executor="processes")
    with hpstudy.open("cells.sqlite") as reader:
        trials = reader.trials()
    assert (trials["metric.calls"] == 1).all()
    assert trials["metric.process"].nunique() == 6


CHANGED = CELL.replace("2.0", "3.0")


def test_a_changed_function_is_refused_even_if_the_study_is_complete(run):
    run()
    before = stored()
    with pytest.raises(StudyChanged, match=r"changed since the last run of .*cells\.sqlite: function train") as caught:
        run(CHANGED)
    assert "allow_changed_code=True" in caught.value.hint
    assert stored() == before


def test_a_changed_function_continues_if_that_is_allowed_and_its_former_source_is_kept(run):
    run()
    digest = stored()[1][SOURCE]
    assert run(CHANGED, allow=True, replicates=3).ran == 3
    study, _, kinds = stored()
    assert kinds == ["created", "study_changed", "code_changed", "function_replaced"]
    assert study.task.settings[PICKLED]["digest"] != digest
    with hpstudy.open("cells.sqlite") as reader:
        assert reader.events()[-1].detail["digest"] == digest
        trials = reader.trials().set_index("replicate")
    assert (trials["objective"] / trials["point.x"]).round(12).groupby(level=0).first().tolist() == [2.0, 2.0, 3.0]


def test_an_accepted_function_needs_no_permission_again(run):
    run()
    run(CHANGED, allow=True, replicates=3)
    assert run(CHANGED, replicates=4).ran == 3
    assert stored()[2].count("code_changed") == 1
    with pytest.raises(StudyChanged, match="function train"):
        run(replicates=5)


def test_a_function_that_is_corrected_before_a_trial_has_completed_starts_over(run):
    said = []

    class Notes(Observer):
        def note(self, text):
            said.append(text)

    with pytest.raises(hpstudy.StudyBroken):
        run("def train(params, seed): return 1 / 0", limits={"max_failures": 2})
    assert run(limits={"max_failures": 2}, progress=Notes()).counts.completed == 6
    assert "function train changed before a trial completed: the study starts over" in said[0]


def test_a_renamed_function_is_another_study(run):
    run()
    with pytest.raises(StudyChanged, match=r"task\.use: __main__:train -> __main__:fit"):
        run(CELL.replace("train", "fit"), "fit")


@pytest.mark.parametrize("command", ["resume", "confirm"])
def test_the_study_continues_without_the_notebook(run, tmp_path, command):
    run()
    with hpstudy.open("cells.sqlite") as reader:
        expected = reader.trials()["objective"].tolist()
    if command == "resume":
        cut()
    ran = subprocess.run(
        [sys.executable, "-m", "hpstudy", command, "cells.sqlite", "--workers", "1"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    with hpstudy.open("cells.sqlite") as reader:
        assert reader.trials()["objective"].tolist()[:6] == expected
        assert len(reader.confirmations()) == (0 if command == "resume" else 15)


def test_another_version_of_python_refuses_to_resume_and_reads(run, monkeypatch):
    run()
    monkeypatch.setattr("hpstudy.tasks.notebook.pickled._python", lambda: "3.99")
    with pytest.raises(StudyError, match=r"the function 'train' was stored by Python 3.* and cannot be loaded by Python 3\.99"):
        hpstudy.resume("cells.sqlite")
    assert hpstudy.analyze("cells.sqlite", thorough=False).views[0].completeness.finished == 6


def test_the_same_cell_continues_in_another_version_of_python(run, monkeypatch):
    run()
    digest = stored()[1]
    monkeypatch.setattr("hpstudy.tasks.notebook.pickled._python", lambda: "3.99")
    assert run(replicates=3).ran == 3
    study, identity, _ = stored()
    assert study.task.settings[PICKLED]["python"] == "3.99"
    assert identity == digest


def test_report_and_bundle_hold_the_source_and_the_report_no_pickle(run, tmp_path):
    run()
    assert hpstudy.bundle("cells.sqlite", "cells.zip").missing == ()
    with zipfile.ZipFile("cells.zip") as archive:
        assert archive.read("code/__main__/train.py").decode().startswith("def train(params, seed):")
        (report,) = (name for name in archive.namelist() if name.startswith("report/") and name.endswith(".json"))
        definition = json.loads(archive.read(report))["definition"]
    assert definition["task"][PICKLED].keys() == {"name", "source", "digest", "python", "cloudpickle"}
    database = hpstudy.open_bundle("cells.zip", tmp_path / "opened")
    assert hpstudy.resume(database, executor="inline").complete


@pytest.mark.parametrize(
    "cell",
    [
        "import twin\ndef train(params, seed): return twin.f()",
        "from twin import f\ndef train(params, seed): return f()",
        "from twin import f\ndef train(params, seed): return [f for f in {f}][0]()",
        "import twin\ndef train(params, seed):\n    import twin\n    return twin.f()",
        "import twin\ndef train(params, seed):\n    from twin import f\n    return f()",
    ],
)
def test_a_module_of_the_working_directory_does_not_replace_the_one_that_the_notebook_imported(run, tmp_path, monkeypatch, cell):
    (tmp_path / "elsewhere").mkdir()
    for value, folder in enumerate((tmp_path / "elsewhere", tmp_path), 1):
        (folder / "twin.py").write_text(f"def f(): return {value}")
    (tmp_path / "beside.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    of_both_folders = "import beside\n" + cell.replace("seed)", "seed, unused=beside)")
    try:
        with pytest.raises(UsageError, match=f"imported twin from {tmp_path}/elsewhere/twin.py, but .* from {tmp_path}/twin.py"):
            run(of_both_folders)
    finally:
        del sys.modules["twin"], sys.modules["beside"]
    try:
        run(cell, replicates=1)
        with hpstudy.open("cells.sqlite") as reader:
            assert reader.trials()["objective"].tolist() == [1, 1, 1]
    finally:
        del sys.modules["twin"]


def test_modules_next_to_a_script_that_runs_in_another_folder_are_part_of_the_study(tmp_path, monkeypatch):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    script = """
        import hpstudy, imported_helper
        def train(params, seed):
            import later_helper
            return imported_helper.VALUE + later_helper.VALUE
        hpstudy.run(dict(STUDY, task=train), "cells.sqlite", executor="inline")
    """
    Path("../scripts/script.py").write_text(textwrap.dedent(script).replace("STUDY", repr(STUDY)))
    helpers = [Path("../scripts/imported_helper.py"), Path("../scripts/later_helper.py")]
    for helper in helpers:
        helper.write_text("VALUE = 1\n")
    subprocess.run([sys.executable, "../scripts/script.py"], check=True)
    assert set(stored()[1]) == {SOURCE, "source of imported_helper.py", "source of later_helper.py"}
    for helper in helpers:
        helper.write_text("VALUE = 2\n")
        with pytest.raises(StudyChanged, match=f"source of {helper.name}"):
            hpstudy.resume("cells.sqlite", executor="inline")
        helper.write_text("VALUE = 1\n")
    assert hpstudy.resume("cells.sqlite", executor="inline").complete


def test_shards_that_different_sessions_ran_are_merged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for index in range(2):
        study = {**STUDY, "task": run_cell(CELL)["train"]}
        hpstudy.run(study, "cells.sqlite", executor="inline", shard=f"{index}/2")
    shards = sorted(tmp_path.glob("cells.shard-*.sqlite"))
    with hpstudy.open(shards[0]) as one, hpstudy.open(shards[1]) as other:
        assert one.study != other.study  # the pickle has the file name of its cell
    with hpstudy.open(hpstudy.merge(shards, "merged.sqlite")) as merged:
        assert len(merged.trials()) == 6


def test_shards_of_different_functions_are_not_merged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for index, cell in enumerate((CELL, CELL.replace("2.0", "3.0"))):
        study = {**STUDY, "task": run_cell(cell)["train"]}
        hpstudy.run(study, "cells.sqlite", executor="inline", shard=f"{index}/2")
    with pytest.raises(StudyChanged, match="different data or code: source of function train"):
        hpstudy.merge(sorted(tmp_path.glob("cells.shard-*.sqlite")), "merged.sqlite")
