import asyncio
import json
import math
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from ruamel.yaml import YAML

import hpstudy
from hpstudy.api.databases import default_storage, locate
from hpstudy.api.sessions import folder_for
from hpstudy.errors import StoreError, StudyChanged, StudyError, UsageError
from hpstudy.search.random import RandomSearcher
from hpstudy.store.seals import seal_all
from hpstudy.tasks.functions import Branin

STUDY = """\
version: 1
name: small
task: {use: branin}
metric: {name: value, goal: minimize}
views: {one: {space: {x1: {type: float, low: -5, high: 10}}, fixed: {x2: 2.5}}}
search: {searcher: random, trials: 2}
replicates: 2
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a study file in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HPSTUDY_STORAGE", raising=False)
    (tmp_path / "small.yaml").write_text(STUDY)
    return tmp_path


def test_importing_hpstudy_imports_no_other_package():
    script = "import hpstudy, sys; print({m for m in sys.modules if '.' not in m} - {*sys.stdlib_module_names, '__main__'})"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "{'hpstudy'}\n"


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = hpstudy.runn


def test_a_study_runs_from_python(folder):
    summary = hpstudy.run(hpstudy.load_study("small.yaml"), executor="inline")
    assert summary.complete
    assert summary.storage.absolute() == folder / "runs/small.sqlite"


def test_modules_of_several_folders_are_found_in_the_folder_of_the_first(folder, monkeypatch):
    names = [f"module_{letter}" for letter in "edbcahgf"]
    for name in names:
        module = ModuleType(name)
        module.__file__ = str(folder / f"in_{name}" / f"{name}.py")
        monkeypatch.setitem(sys.modules, name, module)
    study = hpstudy.load_study("small.yaml")
    task = study.task.model_copy(update={"use": f"{names[0]}:train"})
    views = {name: study.views["one"].model_copy(update={"method": f"{name}:method"}) for name in names[1:]}
    study = study.model_copy(update={"task": task, "views": views}).in_folder(None)
    assert folder_for(study) == str((folder / f"in_{names[0]}").resolve())


def test_trials_are_a_data_frame(folder):
    hpstudy.run("small.yaml", executor="inline")
    with hpstudy.open("runs/small.sqlite") as reader:
        assert len(reader.trials()) == 4


def test_a_study_is_resumed_from_its_database_alone(folder):
    hpstudy.run("small.yaml", executor="inline")
    (folder / "small.yaml").unlink()
    assert hpstudy.resume("runs/small.sqlite", executor="inline").complete


def test_a_study_stored_before_a_setting_existed_is_resumed(folder):
    hpstudy.run("small.yaml", executor="inline")
    with sqlite3.connect("runs/small.sqlite") as connection:
        (definition,) = connection.execute("SELECT definition FROM study").fetchone()
        old = json.loads(definition)
        del old["task"]["noise"]
        connection.execute("UPDATE study SET definition = ?", (json.dumps(old),))
        seal_all(connection)
    connection.close()
    assert hpstudy.resume("runs/small.sqlite", executor="inline").complete
    with hpstudy.open("small") as reader:
        assert reader.study.to_json() == definition


@pytest.fixture
def made(monkeypatch):
    """The tasks and searchers that this process makes, in order."""
    made = []
    for part in (Branin, RandomSearcher):
        monkeypatch.setattr(
            part, "__init__", lambda self, settings, init=part.__init__: made.append(type(self)) or init(self, settings)
        )
    return made


@pytest.mark.parametrize("study", ["small.yaml", "small"])
def test_a_study_is_checked_and_its_parts_are_made_once_to_confirm_it(folder, made, study):
    hpstudy.run("small.yaml", workers=1)
    made.clear()
    assert hpstudy.confirm(study, seeds=1, workers=1).ran
    assert made == [RandomSearcher, Branin]


def test_a_study_file_is_read_once_to_analyze_its_study(folder, made):
    hpstudy.run("small.yaml", workers=1)
    made.clear()
    (folder / "small.yaml").write_text(STUDY + "analysis: {confidence: 0.9}\n")
    assert hpstudy.analyze("small.yaml", thorough=False).study.analysis.confidence == 0.9
    assert made == [RandomSearcher, Branin]


@pytest.mark.parametrize("call", ["run", "resume"])
def test_a_study_is_checked_and_its_parts_are_made_once_before_workers_start(folder, made, call):
    hpstudy.run("small.yaml", workers=1)
    made.clear()
    if call == "run":
        assert hpstudy.run("small.yaml", "new.sqlite", workers=1).ran == 4
        assert made == [RandomSearcher, Branin]
        made.clear()
        assert hpstudy.run("small.yaml", "new.sqlite", workers=1).ran == 0
    else:
        assert hpstudy.resume("runs/small.sqlite", workers=1).complete
    assert made == [RandomSearcher, Branin]


def test_a_time_out_stands_for_that_of_the_study(folder):
    hpstudy.run("small.yaml", executor="processes", workers=1, timeout_s=60)
    with hpstudy.open("small") as reader:
        assert reader.study.limits.timeout_s == 60


def test_a_time_out_below_what_a_trial_took_is_another_study(folder):
    hpstudy.run("small.yaml", executor="processes", workers=1, timeout_s=60)
    with pytest.raises(StudyChanged, match="timeout_s"):
        hpstudy.run("small.yaml", executor="processes", workers=1, timeout_s=1e-9)


@pytest.mark.parametrize("call", ["run", "resume"])
def test_a_time_out_may_change_while_no_trial_has_timed_out(folder, call):
    hpstudy.run("small.yaml", executor="processes", workers=1, timeout_s=60)
    if call == "run":
        hpstudy.run("small.yaml", executor="processes", workers=1, timeout_s=90)
    else:
        hpstudy.resume("small", executor="processes", workers=1, timeout_s=90)
    with hpstudy.open("small") as reader:
        assert reader.study.limits.timeout_s == 90
        assert reader.fingerprint == reader.study.fingerprint()
        assert [event.detail["changes"] for event in reader.events() if event.kind == "study_changed"] == [
            ["limits.timeout_s: 60 -> 90"]
        ]


def test_a_study_that_was_loaded_finds_its_users_module_wherever_the_run_starts(folder, tmp_path_factory, monkeypatch):
    (folder / "beside.py").write_text("def f(params, seed): return params['x1']")
    (folder / "small.yaml").write_text(STUDY.replace("branin", '"beside:f"'))
    study = hpstudy.load_study("small.yaml")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    assert hpstudy.run(study, workers=1).counts.completed == 4


def test_a_loaded_study_with_a_built_in_task_finds_its_users_searcher(folder, tmp_path_factory, monkeypatch):
    (folder / "my_searcher.py").write_text("from hpstudy.search.random import RandomSearcher as Mine")
    (folder / "small.yaml").write_text(STUDY.replace("searcher: random", 'searcher: "my_searcher:Mine"'))
    study = hpstudy.load_study("small.yaml")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert hpstudy.run(study, workers=1).counts.completed == 4


@pytest.mark.parametrize(
    ("storage", "expected"),
    [(None, "runs/x.sqlite"), ("here", "here/x.sqlite"), ("here/y.sqlite", "here/y.sqlite"), ("y.db", "y.db")],
)
def test_the_database_of_a_study(folder, storage, expected):
    assert default_storage("x", storage) == Path(expected)


def test_the_environment_names_a_folder_for_databases(folder, monkeypatch):
    monkeypatch.setenv("HPSTUDY_STORAGE", "/data")
    assert default_storage("x") == Path("/data/x.sqlite")


@pytest.mark.parametrize("given", ["runs/small.sqlite", "small.yaml", "small"])
def test_a_study_is_found_by_database_by_file_and_by_name(folder, given):
    assert locate(given) == Path("runs/small.sqlite")


@pytest.mark.parametrize("scale", [None, "half"])
def test_the_name_of_a_study_may_have_a_dot(folder, scale):
    database = Path("runs/resnet1.5.sqlite" if scale is None else "runs/resnet1.5-half.sqlite")
    database.parent.mkdir()
    database.touch()
    assert locate("resnet1.5", scale=scale) == database
    Path("resnet1.5").touch()
    if scale is None:
        assert locate("resnet1.5") == Path("resnet1.5")


def definitions():
    """The same study as a file, as a `Study`, and as a mapping."""
    mapping = YAML(typ="safe").load(STUDY)
    return {"file": "small.yaml", "study": hpstudy.load_study("small.yaml"), "mapping": mapping}


@pytest.mark.parametrize("kind", ["file", "study", "mapping"])
def test_a_study_is_planned_in_each_form(folder, kind):
    assert hpstudy.plan(definitions()[kind]).storage.absolute() == folder / "runs/small.sqlite"


@pytest.mark.parametrize("kind", ["file", "study", "mapping"])
def test_a_study_that_has_run_is_given_in_each_form(folder, kind):
    study = definitions()[kind]
    hpstudy.run(study, executor="inline")
    with hpstudy.open(study) as reader:
        assert reader.path.absolute() == folder / "runs/small.sqlite"
    assert hpstudy.check(study) == []
    assert hpstudy.export(study).count("\n") == 5
    assert "best_so_far" in hpstudy.figure_names(study, thorough=False)
    assert hpstudy.confirm(study, seeds=1, executor="inline").counts.completed == 3
    results = hpstudy.analyze(study, thorough=False)
    assert hpstudy.figure_names(results) == hpstudy.figure_names("small", thorough=False)


def test_a_mapping_has_its_own_analysis_settings(folder):
    hpstudy.run("small.yaml", executor="inline")
    changed = {**definitions()["mapping"], "analysis": {"confidence": 0.9}}
    assert hpstudy.analyze(changed, thorough=False).study.analysis.confidence == 0.9


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"limits": {"timeout_s": math.inf}}, "limits.timeout_s: must be a finite number, not inf"),
        ({"analysis": {"margin": math.nan}}, "analysis.margin: must be a finite number, not nan"),
        (
            {"views": {"a": {"space": {"x": {"type": "choice", "values": [1.0, math.inf]}}}}},
            "views.a.space.x.values.1: must be true or false or a finite number or text, not inf",
        ),
    ],
)
def test_a_mapping_has_no_infinite_number(folder, changed, message):
    with pytest.raises(StudyError, match=re.escape(message)):
        hpstudy.plan({**definitions()["mapping"], **changed})


@pytest.mark.parametrize("kind", ["study", "mapping"])
def test_a_scale_needs_a_file_or_a_name(folder, kind):
    for call in (hpstudy.plan, hpstudy.open, hpstudy.analyze):
        with pytest.raises(UsageError, match="--scale small needs a study file"):
            call(definitions()[kind], scale="small")


def test_a_report_of_no_study_is_refused():
    with pytest.raises(UsageError, match="no study to report"):
        hpstudy.write_report([])


@pytest.mark.parametrize("call", [hpstudy.run, hpstudy.plan, hpstudy.open, hpstudy.analyze])
@pytest.mark.parametrize("given", [None, 3])
def test_what_is_no_study_is_refused(call, given):
    with pytest.raises(UsageError, match=f"a study cannot be of type {type(given).__name__}"):
        call(given)


def test_a_text_is_one_name_and_not_its_letters(folder):
    hpstudy.run("small.yaml", executor="inline")
    with pytest.raises(UsageError, match="no format 'pfd'"):
        hpstudy.write_report("small", formats="pfd")
    with pytest.raises(UsageError, match="no observer is called 'tensorbaord'"):
        hpstudy.run("small.yaml", "other.sqlite", observers="tensorbaord")
    with pytest.raises(StoreError, match=r"smal\.sqlite does not exist"):
        hpstudy.serve("smal")
    with pytest.raises(UsageError, match=r"small\.sqlite is not a shard"):
        hpstudy.merge("runs/small.sqlite")


@pytest.mark.parametrize("workers", [0, -1])
def test_a_run_has_at_least_one_worker(folder, workers):
    with pytest.raises(UsageError, match=f"workers is {workers}, not at least 1"):
        hpstudy.run("small.yaml", workers=workers)


def test_a_text_in_place_of_false_replaces_no_file(folder):
    hpstudy.run("small.yaml", executor="inline")
    (folder / "mine.csv").write_text("mine")
    with pytest.raises(UsageError, match="force must be True or False, not 'no'"):
        hpstudy.export("small", "mine.csv", force="no")
    assert (folder / "mine.csv").read_text() == "mine"


@pytest.mark.parametrize("timeout_s", [0, -1.5])
def test_a_time_out_is_above_zero(folder, timeout_s):
    with pytest.raises(UsageError, match=f"--timeout is {timeout_s}, not above 0"):
        hpstudy.run("small.yaml", timeout_s=timeout_s)


def test_results_have_their_own_database(folder):
    hpstudy.run("small.yaml", executor="inline")
    results = hpstudy.analyze("small", thorough=False)
    for call in (hpstudy.figure_names, lambda given, **options: hpstudy.figure(given, "best_so_far", **options)):
        with pytest.raises(UsageError, match="results are given, and they need no storage and no scale"):
            call(results, storage="other.sqlite")


@pytest.mark.parametrize("given", ["a\0b", "a" * 5000])
@pytest.mark.parametrize("call", [hpstudy.open, hpstudy.plan, lambda given: hpstudy.plan(f"{given}.yaml"), hpstudy.serve])
def test_a_name_that_no_file_can_have_is_refused(folder, given, call):
    with pytest.raises((UsageError, StoreError)):
        call(given)


def test_a_reader_that_is_closed_or_of_another_thread_names_the_next_step(folder):
    hpstudy.run("small.yaml", executor="inline")
    with hpstudy.open("small") as reader, ThreadPoolExecutor(1) as thread:
        errors = [thread.submit(reader.trials).exception()]
    with pytest.raises(StoreError) as closed:
        reader.trials()
    for error in (*errors, closed.value):
        assert isinstance(error, StoreError)
        assert error.hint == "open the database again, in the thread that reads it"


def test_a_page_is_not_served_inside_an_event_loop(folder):
    hpstudy.run("small.yaml", executor="inline")

    async def cell():
        hpstudy.serve("small")

    with pytest.raises(UsageError, match="while an event loop runs, as in a notebook"):
        asyncio.run(cell())


def test_a_port_is_a_number_of_16_bits(folder):
    hpstudy.run("small.yaml", executor="inline")
    with pytest.raises(UsageError, match=r"port 70000 of 127\.0\.0\.1 cannot be used"):
        hpstudy.serve("small", port=70000)


@pytest.mark.parametrize("width", [0.5, 50])
def test_a_width_is_one_that_can_be_drawn(folder, width):
    hpstudy.run("small.yaml", executor="inline")
    for call in (hpstudy.figure, partial(hpstudy.plot_figure, output="a.png")):
        with pytest.raises(UsageError, match=f"the width is {width} inches, not between 2 and 20"):
            call("small", "best_so_far", width=width)


@pytest.mark.parametrize("dpi", [0, 100_000])
def test_a_resolution_is_one_that_can_be_drawn(folder, dpi):
    hpstudy.run("small.yaml", executor="inline")
    with pytest.raises(UsageError, match=f"dpi is {dpi}, not between 20 and 2,400"):
        hpstudy.plot_figure("small", "best_so_far", "a.png", dpi=dpi)
