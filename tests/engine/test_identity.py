"""The code that ran is the code whose checksum is kept."""

import hashlib
import importlib.metadata
import os
import sqlite3
import subprocess
import sys
import textwrap

import pytest

import hpstudy
from hpstudy.engine.identity import KnownSources
from hpstudy.engine.progress import Observer
from hpstudy.errors import StoreError, StudyChanged
from hpstudy.loading.load import read_study
from hpstudy.modules import module_path
from hpstudy.store.events import write_event
from hpstudy.store.seals import changing

STUDY = """\
version: 1
name: tiny
task: {use: "train:f"}
metric: {name: value, goal: minimize}
views:
  a: {space: {x: {type: float, low: 0, high: 1}}}
search: {searcher: random, trials: TRIALS}
replicates: 1
"""

LAZY = """
def f(params, seed):
    import late
    return late.value(params["x"])
"""


@pytest.fixture
def project(tmp_path):
    """A study in a folder: project.write(train="..."), project.run(trials), project.identity()."""

    class Project:
        folder, storage = tmp_path, tmp_path / "study.sqlite"

        def write(self, **codes):
            for name, code in codes.items():
                (self.folder / f"{name}.py").write_text(code)

        def run(self, trials=2, use="train:f", others="", **options):
            study = STUDY.replace("TRIALS", f"{trials}, others: [{others}]").replace("train:f", use)
            (self.folder / "study.yaml").write_text(study)
            return hpstudy.run(self.folder / "study.yaml", self.storage, **{"executor": "inline", **options})

        def identity(self):
            with hpstudy.open(self.storage) as reader:
                return reader.identity

        def accepted(self):
            with hpstudy.open(self.storage) as reader:
                return [set(event.detail["sources"]) for event in reader.events() if event.kind == "code_changed"]

        def states(self):
            with hpstudy.open(self.storage) as reader:
                return reader.trials()["state"].tolist()

    return Project()


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def recorded(project, *names):
    return {f"source of {name}.py": sha256(project.folder / f"{name}.py") for name in names}


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_every_module_of_the_folder_is_recorded_also_one_that_is_imported_late(project, executor):
    project.write(train="import helper\n" + LAZY, helper="", late="def value(x): return x", unused="")
    project.run(executor=executor, workers=1)
    assert project.identity() == recorded(project, "train", "helper", "late")


@pytest.mark.parametrize("name", ["train", "helper", "late"])
def test_a_changed_file_is_refused_by_name(project, name):
    project.write(train="import helper\n" + LAZY, helper="", late="def value(x): return x")
    project.run()
    file = project.folder / f"{name}.py"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(StudyChanged, match=f"source of {name}.py"):
        project.run(3)
    assert project.run(3, allow_changed_code=True).complete


@pytest.mark.parametrize("name", ["train", "late"])
def test_an_accepted_change_needs_no_flag_again_and_a_further_change_does(project, name):
    project.write(train=LAZY, late="def value(x): return x")
    project.run()
    file = project.folder / f"{name}.py"
    former, started = file.read_text(), project.identity()
    file.write_text(former + "# accepted\n")
    project.run(3, allow_changed_code=True)
    assert project.run(4, allow_changed_code=True).ran == 1
    assert project.run(5).ran == 1
    assert hpstudy.resume(project.storage, executor="inline").complete
    assert hpstudy.confirm(project.storage, executor="inline").complete
    assert project.accepted() == [{f"source of {name}.py"}]
    assert project.identity() == started
    for code in (former + "# further\n", former):
        file.write_text(code)
        with pytest.raises(StudyChanged, match=f"source of {name}.py"):
            project.run(6)


def test_an_accepted_removal_of_a_file_needs_no_flag_again(project):
    project.write(train="import late\ndef f(params, seed): return params['x']", late="")
    project.run()
    project.write(train="def f(params, seed): return params['x']")
    (project.folder / "late.py").unlink()
    project.run(3, allow_changed_code=True)
    assert project.run(4).ran == 1
    project.write(late="")
    with pytest.raises(StudyChanged, match=r"source of late\.py"):
        project.run(5)


def test_a_change_is_accepted_also_while_nothing_remains_to_run(project):
    project.write(train="def f(params, seed): return params['x']")
    project.run()
    project.write(train="def f(params, seed): return params['x']  # the same")
    assert project.run(allow_changed_code=True).ran == 0
    assert project.run(3).ran == 1


def test_a_change_is_accepted_without_the_data_while_nothing_remains_to_run(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    code = """
from hpstudy.tasks.interface import Task
class Prepares(Task):
    def objectives(self): return ["value"]
    def check_view(self, view): return []
    def prepare(self):
        with open("prepared", "a") as file: file.write("x")
    def identity(self): return {**self.sources(), "data": "checksum"}
    def evaluate(self, view, point, seed, report): return point["x"]
"""
    project.write(train=code)
    project.run(use="train:Prepares")
    prepared = (project.folder / "prepared").read_text()
    project.write(train=code + "# the same")
    project.run(use="train:Prepares", allow_changed_code=True)
    assert (project.folder / "prepared").read_text() == prepared
    assert project.run(3, use="train:Prepares").ran == 1


def test_an_accepted_change_that_cannot_be_read_is_one_message(project):
    project.write(train="def f(params, seed): return params['x']")
    project.run()
    project.write(train="def f(params, seed): return params['x'] + 1")
    project.run(3, allow_changed_code=True)
    with sqlite3.connect(project.storage) as connection:
        connection.execute("UPDATE event SET detail = '{\"sources\": [1]}' WHERE kind = 'code_changed'")
    connection.close()
    with pytest.raises(StoreError, match=r"the event 'code_changed' of .* has no checksums"):
        project.run(4)


@pytest.mark.parametrize("code", ["functools.partial(base, k=2)", "wrapped(base)", "Callable().call", "Callable()"])
def test_a_callable_of_another_module_is_looked_through(project, code):
    helper = """
K = 1
def base(params, seed, k=1): return K * k * params["x"]
class Callable:
    def call(self, params, seed): return K * params["x"]
    def __call__(self, params, seed): return K * params["x"]
def wrapped(function): return function
"""
    project.write(train=f"import functools\nfrom base import *\nf = {code}", base=helper)
    project.run()
    project.write(base=helper.replace("K = 1", "K = 100"))
    with pytest.raises(StudyChanged, match=r"source of base\.py"):
        project.run(4)


@pytest.mark.parametrize("command", [hpstudy.resume, hpstudy.confirm])
def test_a_database_whose_code_differs_is_refused_before_anything_is_imported(project, command):
    project.write(train="def f(params, seed): return params['x']")
    project.run()
    project.write(train=f"open({str(project.folder / 'was_here')!r}, 'w')\ndef f(params, seed): return 0.0")
    with pytest.raises(StudyChanged, match=r"source of train\.py"):
        command(project.storage, executor="inline")
    assert not (project.folder / "was_here").exists()


def test_a_run_of_a_changed_study_is_refused_before_anything_is_imported(project):
    project.write(train="def f(params, seed): return params['x']")
    project.run()
    project.write(train="raise AssertionError")
    with pytest.raises(StudyChanged, match=r"source of train\.py"):
        project.run(3)


def test_a_database_that_does_not_know_the_module_is_refused_before_it_is_imported(project):
    project.write(train="def f(params, seed): return params['x']")
    project.run()
    with sqlite3.connect(project.storage) as connection:
        connection.execute("DELETE FROM identity")
    connection.close()
    project.write(train="raise AssertionError")
    with pytest.raises(StudyChanged, match=r"source of train\.py"):
        hpstudy.resume(project.storage, executor="inline")


SEARCHER = """
from pydantic import BaseModel
from hpstudy.search.interface import Searcher

class Mine(Searcher):
    class Settings(BaseModel): ...
    def ask(self, space, history, *, goal, seed, number):
        return space.default()
"""


def test_a_users_searcher_is_added_to_a_study_that_has_run_and_its_code_is_recorded(project):
    project.write(train="def f(params, seed): return params['x']", added=SEARCHER)
    project.run()
    assert project.run(others="added:Mine").ran == 2
    assert project.identity() == recorded(project, "train", "added")
    project.write(added=SEARCHER.replace("space.default()", "{'x': 1.0}"))
    with pytest.raises(StudyChanged, match=r"source of added\.py"):
        project.run(3, others="added:Mine")


def test_a_searcher_that_has_trials_and_no_recorded_code_is_refused(project):
    project.write(train="def f(params, seed): return params['x']", added=SEARCHER)
    project.run(others="added:Mine")
    with sqlite3.connect(project.storage) as connection, changing(connection, "identity"):
        connection.execute("DELETE FROM identity WHERE name = 'source of added.py'")
    connection.close()
    with pytest.raises(StudyChanged, match=r"source of added\.py"):
        hpstudy.resume(project.storage, executor="inline")


def test_a_module_elsewhere_that_the_database_does_not_know_is_refused(project, monkeypatch):
    (project.folder.parent / "elsewhere").mkdir()
    (project.folder.parent / "elsewhere" / "train_elsewhere.py").write_text("def f(params, seed): return params['x']")
    monkeypatch.syspath_prepend(project.folder.parent / "elsewhere")
    project.run(use="train_elsewhere:f")
    with sqlite3.connect(project.storage) as connection, changing(connection, "identity"):
        connection.execute("DELETE FROM identity")
    connection.close()
    with pytest.raises(StudyChanged, match="source of module train_elsewhere"):
        project.run(3, use="train_elsewhere:f")


def test_a_missing_file_is_refused_by_name(project):
    project.write(train=LAZY, late="def value(x): return x")
    project.run()
    (project.folder / "late.py").unlink()
    with pytest.raises(StudyChanged, match=rf"source of late\.py \(not found in {project.folder}\)") as caught:
        hpstudy.resume(project.storage, executor="inline")
    assert "if the folder of the study has moved" in caught.value.hint


def test_a_recorded_name_that_is_a_device_or_outside_is_not_read_for_ever(project):
    project.write(train="def f(params, seed): return params['x']")
    project.run()
    with sqlite3.connect(project.storage) as connection:
        connection.execute("INSERT INTO identity VALUES ('source of /dev/zero', 'x')")
    connection.close()
    with pytest.raises(StudyChanged, match="source of /dev/zero"):
        hpstudy.resume(project.storage, executor="inline")


def test_code_that_changes_while_the_study_runs_ends_it_and_is_not_stored(project):
    code = """
import sys
def f(params, seed):
    sys.modules.pop("late", None)
    import late
    with open(late.__file__, "a") as file: file.write("#")
    return 1.0
"""
    project.write(train=code, late="")
    with pytest.raises(StudyChanged, match=r"late\.py changed while the study was running"):
        project.run()
    assert project.states() == ["completed", "running"]


def test_the_code_of_the_task_must_be_among_what_an_evaluation_loaded(project):
    project.write(train="def f(params, seed): return 1.0")
    project.run()
    loaded = read_study(project.folder / "study.yaml")
    with module_path(str(project.folder)):
        known = KnownSources(loaded.study, recorded(project, "train"))
    assert known.check_task(recorded(project, "train")) == {}
    with pytest.raises(StudyChanged, match=r"train\.py changed while the study was running"):
        known.check_task({})


def test_a_database_of_an_earlier_version_is_compared_and_then_records_all(project):
    project.write(train="from base import f", base="def f(params, seed): return params['x']")
    project.run()
    with sqlite3.connect(project.storage) as connection, changing(connection, "identity"):
        digest = sha256(project.folder / "base.py")
        connection.execute("DELETE FROM identity")
        connection.execute("INSERT INTO identity VALUES ('source of train:f', ?)", (digest,))
    connection.close()
    assert project.run(3).complete
    assert project.identity() == {"source of train:f": digest, **recorded(project, "train", "base")}


def test_of_a_database_of_an_earlier_version_a_copy_of_the_old_file_does_not_count(project):
    project.write(train="from base import f", base="def f(params, seed): return params['x']")
    project.run()
    with sqlite3.connect(project.storage) as connection, changing(connection, "identity"):
        connection.execute("DELETE FROM identity WHERE name = 'source of train.py'")
        connection.execute("UPDATE identity SET name = 'source of train:f'")
    connection.close()
    project.write(base="def f(params, seed): return 0.0", backup="def f(params, seed): return params['x']")
    with pytest.raises(StudyChanged, match="source of train:f"):
        project.run(3)


def test_of_a_database_of_an_earlier_version_a_change_that_it_accepted_needs_no_permission_again(project):
    project.write(train="import helper\nfrom helper import value as f", helper="def value(params, seed): return params['x']")
    project.run()
    old = sha256(project.folder / "helper.py")
    project.write(helper="def value(params, seed): return params['x'] + 1")
    with sqlite3.connect(project.storage) as connection, changing(connection, "identity"):
        connection.execute("DELETE FROM identity")
        connection.execute("INSERT INTO identity VALUES ('source of train:f', ?)", (old,))
        write_event(connection, "code_changed", {"sources": {"source of train:f": sha256(project.folder / "helper.py")}})
    connection.close()
    assert project.run(3).ran == 1
    project.write(helper="def value(params, seed): return params['x'] + 2")
    with pytest.raises(StudyChanged, match=r"helper\.py"):
        project.run(4)


def test_of_a_database_of_an_earlier_version_nothing_is_imported_if_no_file_has_its_checksum(project):
    project.write(train="def f(params, seed): return params['x']")
    project.run()
    with sqlite3.connect(project.storage) as connection, changing(connection, "identity"):
        connection.execute("UPDATE identity SET name = 'source of train:f'")
    connection.close()
    project.write(train="raise AssertionError")
    with pytest.raises(StudyChanged, match="source of train:f"):
        hpstudy.resume(project.storage, executor="inline")


@pytest.fixture
def elsewhere(tmp_path_factory, monkeypatch):
    """A folder on the search path with a package of the user, whose modules are forgotten at the end."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "mypkg").mkdir()
    for name, code in {
        "__init__": "",
        "model": "from . import layers\n",
        "layers": "K = 1",
        "late": "K = 1",
        "unused": "",
    }.items():
        (folder / f"mypkg/{name}.py").write_text(code)
    (folder / "not_of_the_study.py").write_text("")
    monkeypatch.syspath_prepend(folder)
    importlib.import_module("not_of_the_study")
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mypkg", "not_of_the_study")]:
        del sys.modules[name]


USES_PACKAGE = """
import json, numpy, hpstudy
import mypkg.model
def f(params, seed):
    from mypkg import late
    return params["x"]
"""


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_modules_elsewhere_that_the_code_imports_are_recorded(project, elsewhere, executor):
    project.write(train=USES_PACKAGE)
    project.run(executor=executor, workers=1)
    names = {"mypkg": "__init__", "mypkg.model": "model", "mypkg.layers": "layers", "mypkg.late": "late"}
    modules = {f"source of module {name}": sha256(elsewhere / f"mypkg/{file}.py") for name, file in names.items()}
    assert project.identity() == recorded(project, "train") | modules


@pytest.mark.parametrize("name", ["model", "layers", "late"])
def test_a_changed_module_elsewhere_is_refused_by_name(project, elsewhere, name):
    project.write(train=USES_PACKAGE)
    run = textwrap.dedent("""
        import sys, hpstudy
        try:
            hpstudy.run("study.yaml", "study.sqlite", executor="inline", allow_changed_code=len(sys.argv) > 1)
        except hpstudy.StudyChanged as error:
            sys.exit(str(error))
    """)

    def session(trials, *options):
        (project.folder / "study.yaml").write_text(STUDY.replace("TRIALS", str(trials)))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(elsewhere), os.environ.get("PYTHONPATH"))))}
        command = [sys.executable, "-c", run, *options]
        return subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)

    assert session(2).returncode == 0
    assert session(3).returncode == 0
    (elsewhere / f"mypkg/{name}.py").write_text("from . import layers\nK = 2")
    assert f"study.sqlite: source of module mypkg.{name}\n" in session(4).stderr
    assert session(4, "allow").returncode == 0


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_the_versions_of_packages_that_the_code_imports_are_recorded_with_the_session(project, elsewhere, executor):
    helper = "from filelock import FileLock\ndef late():\n    import nbclient.client, absent_package"
    project.write(train=USES_PACKAGE.replace("json", "yaml, helper"), helper=helper)
    project.run(executor=executor, workers=1)
    with hpstudy.open(project.storage) as reader:
        (session,) = reader.environments()
    versions = {name: importlib.metadata.version(name) for name in ("PyYAML", "filelock", "nbclient", "numpy", "hpstudy")}
    assert versions.items() <= session.detail.items()
    assert not {"pytest", "mypkg"} & session.detail.keys()


def test_a_session_with_another_version_of_a_package_says_so(project, monkeypatch):
    project.write(train="import yaml\ndef f(params, seed): return params['x']")
    project.run()
    monkeypatch.setattr("hpstudy.engine.session.package_versions", lambda _: {"PyYAML": "0.1"})
    notes = []
    observer = Observer()
    observer.note = notes.append
    project.run(3, progress=observer)
    assert f"PyYAML {importlib.metadata.version('PyYAML')} -> 0.1" in notes[0]
