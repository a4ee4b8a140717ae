"""Several runs in one Python process: each runs the code that is in its folder when it starts."""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

import hpstudy
from hpstudy.data.cache import VARIABLE
from hpstudy.tasks.cifar import image_data

STUDY = """\
version: 1
name: tiny
task: {use: "src.train:f"}
metric: {name: value, goal: minimize}
views:
  a: {space: {x: {type: float, low: 0, high: 1}}}
search: {searcher: random, trials: 2}
replicates: 1
"""


@pytest.fixture
def values(tmp_path):
    """Run the study of a folder inline; returns the values that it measured."""

    def run(folder, constant=None, searcher="random", storage="study.sqlite", trials=2):
        place = tmp_path / folder
        (place / "src").mkdir(parents=True, exist_ok=True)
        if constant is not None:
            (place / "src/train.py").write_text(f"def f(params, seed): return {constant}")
        (place / "study.yaml").write_text(STUDY.replace("random, trials: 2", f"{searcher}, trials: {trials}"))
        hpstudy.run(place / "study.yaml", place / storage, executor="inline")
        with hpstudy.open(place / storage) as reader:
            return reader.trials()["objective"].tolist()

    return run


def test_two_studies_with_modules_of_the_same_name_run_each_its_own(values):
    assert [values("p1", 1.0), values("p2", 2.0), values("p1", 1.0, storage="again.sqlite")] == [[1, 1], [2, 2], [1, 1]]


def test_each_of_several_loaded_studies_runs_with_the_modules_of_its_own_folder(values, tmp_path):
    values("p1", 1.0)
    values("p2", 2.0)
    studies = [hpstudy.load_study(tmp_path / folder / "study.yaml") for folder in ("p1", "p2")]
    seen = []
    for number, study in enumerate(studies):
        hpstudy.run(study, tmp_path / f"{number}.sqlite", executor="inline")
        with hpstudy.open(tmp_path / f"{number}.sqlite") as reader:
            seen.append(reader.trials()["objective"].tolist())
    assert seen == [[1, 1], [2, 2]]


SPAWNS = """\
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
def inner(): return VALUE
def f(params, seed):
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(inner).result()
"""


@pytest.fixture
def two(tmp_path):
    """Two folders with a study, and a module of the same name, which returns 1 in the first and 2 in the second."""
    folders = tmp_path / "first", tmp_path / "second"
    for value, folder in enumerate(folders, 1):
        (folder / "src").mkdir(parents=True)
        (folder / "src/train.py").write_text(f"def f(params, seed): return {value}")
        (folder / "study.yaml").write_text(STUDY)
    return folders


def run_and_read(study, storage, executor="inline"):
    """Run a study; returns its values, the checksum of its module, and the folder of its modules."""
    hpstudy.run(study, storage, executor=executor, workers=1)
    with hpstudy.open(storage) as reader:
        return reader.trials()["objective"].tolist(), reader.identity["source of src/train.py"], reader.module_path


def expected(folder, value):
    return [value, value], hashlib.sha256((folder / "src/train.py").read_bytes()).hexdigest(), str(folder)


@pytest.mark.parametrize("executor", ["inline", "processes"])
@pytest.mark.parametrize("earlier", ["file", "mapping"])
def test_a_mapping_runs_with_the_module_of_the_working_directory_not_of_an_earlier_study(two, executor, earlier, monkeypatch):
    first, second = two
    monkeypatch.chdir(first)
    before = "study.yaml" if earlier == "file" else yaml.safe_load(STUDY)
    assert run_and_read(before, "s.sqlite", executor) == expected(first, 1)
    monkeypatch.chdir(second)
    assert run_and_read(yaml.safe_load(STUDY), "s.sqlite", executor) == expected(second, 2)


def test_copies_of_loaded_studies_run_with_the_modules_of_their_own_folders(two, tmp_path):
    studies = [hpstudy.load_study(folder / "study.yaml").model_copy(update={"seed": 5}) for folder in two]
    for value, study in enumerate(studies, 1):
        assert run_and_read(study, tmp_path / f"{value}.sqlite") == expected(two[value - 1], value)


def test_the_study_of_a_database_runs_with_the_modules_of_its_folder(two, tmp_path):
    studies = []
    for folder in two:
        hpstudy.run(folder / "study.yaml", folder / "s.sqlite", executor="inline")
        with hpstudy.open(folder / "s.sqlite") as reader:
            studies.append(reader.study)
    for value, study in enumerate(studies, 1):
        assert run_and_read(study, tmp_path / f"{value}.sqlite") == expected(two[value - 1], value)


def test_the_folder_of_a_study_is_not_part_of_it(two):
    one, other = (hpstudy.load_study(folder / "study.yaml") for folder in two)
    assert (one.module_folder, other.module_folder) == tuple(map(str, two))
    assert one == other
    assert one.to_json() == other.to_json()
    assert one != one.model_copy(update={"seed": 5})


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_processes_that_a_trial_starts_import_the_module_of_its_study(two, executor, monkeypatch):
    for value, folder in enumerate(two, 1):
        (folder / "src/train.py").write_text(SPAWNS.replace("VALUE", str(value)))
    monkeypatch.syspath_prepend(two[0])  # as of a script in this folder
    for value, folder in enumerate(two, 1):
        assert run_and_read(folder / "study.yaml", folder / "s.sqlite", executor) == expected(folder, value)


def test_an_edited_module_runs_in_the_next_run(values):
    assert [values("p", 1.0), values("p", 3.0, storage="again.sqlite")] == [[1, 1], [3, 3]]


def test_an_edited_module_is_refused_by_the_database_of_the_old_one(values):
    values("p", 1.0)
    with pytest.raises(hpstudy.StudyChanged, match="source of"):
        values("p", 3.0, trials=3)


def test_an_edited_searcher_runs_in_the_next_run(values, tmp_path):
    code = """
from hpstudy import Searcher
from pydantic import BaseModel
class Fixed(Searcher):
    class Settings(BaseModel): ...
    def ask(self, space, history, *, goal, seed, number):
        return {"x": VALUE + number / 10}
"""
    (tmp_path / "p/src").mkdir(parents=True)
    (tmp_path / "p/src/train.py").write_text("def f(params, seed): return params['x']")
    seen = []
    for value in ("0.25", "0.5"):
        (tmp_path / "p/mine.py").write_text(code.replace("VALUE", value))
        seen.append(values("p", searcher='"mine:Fixed"', storage=f"{value}.sqlite"))
    assert seen == [[0.25, 0.35], [0.5, 0.6]]


def test_what_others_imported_under_the_same_name_does_not_run(values, tmp_path, monkeypatch):
    (tmp_path / "notebook/src").mkdir(parents=True)
    (tmp_path / "notebook/src/train.py").write_text("def f(params, seed): return 5.0")
    monkeypatch.syspath_prepend(tmp_path / "notebook")
    import src.train

    assert values("p", 1.0) == [1, 1]
    assert src.train.f({}, 0) == 5.0
    for name in ("src", "src.train"):
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_studies_of_different_folders_run_in_two_threads(two, executor):
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(run_and_read, folder / "study.yaml", folder / "s.sqlite", executor) for folder in two]
    assert [run.result() for run in runs] == [expected(folder, value) for value, folder in enumerate(two, 1)]


def test_a_run_in_worker_processes_does_not_keep_the_modules_of_its_folder(two):
    """The second study runs while the first is running."""
    first, second = two
    waiting = f"while not os.path.exists({str(first / 'go')!r}): time.sleep(0.01)"
    (first / "src/train.py").write_text(f"import os, time\ndef f(params, seed):\n    {waiting}\n    return 1")
    with ThreadPoolExecutor() as pool:
        run = pool.submit(run_and_read, first / "study.yaml", first / "s.sqlite", "processes")
        assert run_and_read(second / "study.yaml", second / "s.sqlite", "processes") == expected(second, 2)
        assert not run.done()
        (first / "go").touch()
        assert run.result() == expected(first, 1)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_module_that_changes_the_working_folder_changes_that_of_its_function_only(two, executor, monkeypatch):
    first, second = two
    (first / "src/train.py").write_text(
        "import os\nos.chdir(os.path.dirname(__file__))\ndef f(params, seed): return {'value': 1, 'folder': os.getcwd()}"
    )
    monkeypatch.chdir(second)
    for _ in range(2):
        assert hpstudy.run(first / "study.yaml", "s.sqlite", executor=executor, workers=1).complete
    assert hpstudy.resume("s.sqlite", executor=executor).ran == 0
    assert [path.name for path in (*first.rglob("*.sqlite"), *second.rglob("*.sqlite"))] == ["s.sqlite"]
    with hpstudy.open("s.sqlite") as reader:
        assert set(reader.trials()["attribute.folder"]) == {str(first / "src")}


DATA_STUDY = """\
version: 1
name: data
task: {use: cifar, dataset: "mine:Mine", images: {train: 40, validation: 20, shrink: 4, padding: 0},
       network: {name: birealnet20, width: 2}, epochs: 1, batch_size: 20}
metric: {name: val_loss, goal: minimize}
views:
  a: {method: filter, space: {alpha: {type: float, low: 0.01, high: 0.1}}}
search: {searcher: random, trials: 1}
replicates: 1
"""

DATA = """\
import numpy as np
from hpstudy.data import ImageSet
from hpstudy.data.image_set import LabelledImages

class Mine(ImageSet):
    name, version, licence = "mine-NUMBER", 1, "none"

    def read(self, source, scratch, progress):
        x = np.random.default_rng(NUMBER).integers(0, 256, (100, 3, 32, 32)).astype(np.uint8)
        return LabelledImages(x, np.arange(100) % 10, x, np.arange(100) % 10, tuple("abcdefghij"))
"""


def test_two_studies_with_data_sets_of_the_same_name_train_each_on_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))

    def loss(number, storage):
        (tmp_path / number).mkdir(exist_ok=True)
        (tmp_path / number / "mine.py").write_text(DATA.replace("NUMBER", number))
        (tmp_path / number / "data.yaml").write_text(DATA_STUDY)
        hpstudy.run(tmp_path / number / "data.yaml", tmp_path / storage, executor="inline")
        with hpstudy.open(tmp_path / storage) as reader:
            return reader.trials()["objective"].tolist()

    after_another = [loss("1", "1.sqlite"), loss("2", "2.sqlite")][1]
    image_data.cache_clear()
    assert after_another == loss("2", "again.sqlite")
