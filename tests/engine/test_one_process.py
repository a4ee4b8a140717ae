"""Several runs in one Python process: each runs the code that is in its folder when it starts."""

import sys

import pytest

import hpstudy

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
