"""A small study, with a task and a searcher called `toy`, as fixtures for the tests of studies and of loading."""

import sys
import textwrap
import types

import pytest
from pydantic import BaseModel, ConfigDict, Field

from hpstudy.errors import Problem, StudyError, nearest
from hpstudy.loading.load import load_study
from hpstudy.registry import Entry
from hpstudy.search import SEARCHERS
from hpstudy.search.interface import Searcher
from hpstudy.tasks import TASKS
from hpstudy.tasks.interface import Task

TOY = """\
version: 1
name: toy
task: {use: toy, depth: 2}
metric: {name: score, goal: maximize}
views:
  a:
    space:
      rate: {type: float, low: 1e-5, high: 1, log: true}
  b:
    space:
      rate: {type: float, low: 0, high: 1}
      width: {type: int, low: 1, high: 8}
search: {searcher: toy, trials: 6, initial: 2}
replicates: 3
"""


class InnerSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = 1


class ToySettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    depth: int = Field(default=1, ge=1)
    scale: float = 1.0
    widths: tuple[int, ...] = (4, 4)
    inner: InnerSettings = InnerSettings()


class ToyTask(Task):
    """A task with two hyperparameters of its own."""

    Settings = ToySettings

    def objectives(self):
        return ("score", "loss")

    def check_view(self, view):
        return [
            Problem(("space", name), f"no such hyperparameter: {nearest(name, ['rate', 'width'])}")
            for name in view.space.names()
            if name not in ("rate", "width")
        ]

    def complete_view(self, view):
        tuned = set(view.space.names())
        defaults = {name: value for name, value in {"rate": 0.5, "width": 2}.items() if name not in tuned}
        return view.model_copy(update={"fixed": {**defaults, **view.fixed}})

    def evaluate(self, view, point, seed, report):
        return {"score": 1.0}


class ToySearcherSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    initial: int = 5
    effort: str = "low"


class ToySearcher(Searcher):
    """A searcher with an initial design."""

    Settings = ToySearcherSettings

    def ask(self, space, history, *, goal, seed, number):
        return space.default()


@pytest.fixture(autouse=True)
def toy_parts(monkeypatch):
    """A task and a searcher called `toy`."""
    module = types.ModuleType("toy_parts")
    module.ToyTask, module.ToySearcher = ToyTask, ToySearcher
    monkeypatch.setitem(sys.modules, "toy_parts", module)
    monkeypatch.setitem(TASKS._entries, "toy", Entry("a toy", "toy_parts:ToyTask"))
    monkeypatch.setitem(SEARCHERS._entries, "toy", Entry("a toy", "toy_parts:ToySearcher"))


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files into an empty current folder; returns the path of the last one."""
    monkeypatch.chdir(tmp_path)

    def files(**texts):
        for name, text in texts.items():
            path = tmp_path / name.replace("__", "/").replace("_yaml", ".yaml").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path.relative_to(tmp_path)

    return files


@pytest.fixture
def toy_text():
    return TOY


@pytest.fixture
def toy(write):
    """The toy study, resolved."""
    return load_study(write(toy_yaml=TOY))


@pytest.fixture
def refused(write):
    """Load a study file that is wrong; returns its problems as lines of text."""

    def lines(text, **files):
        write(**files) if files else None
        with pytest.raises(StudyError) as caught:
            load_study(write(toy_yaml=text))
        return str(StudyError(caught.value.problems)).splitlines()

    return lines
