"""What docs/explanation/security.md says of files from somebody else."""

import sqlite3

import pytest

STUDY = """\
version: 1
name: tiny
task: {use: "train:f"}
metric: {name: value, goal: minimize}
views:
  a: {space: {x: {type: float, low: 0, high: 1}}}
  b: {space: {x: {type: float, low: 0, high: 1}}}
search: {searcher: "mine:Fixed", trials: 2}
replicates: 2
"""
SEARCHER = """
from hpstudy import Searcher
from pydantic import BaseModel
class Fixed(Searcher):
    class Settings(BaseModel): ...
    def ask(self, space, history, *, goal, seed, number): return {"x": (number + 1) / 4 + seed % 100 / 1000}
"""
READING = ["status", "trials", "best", "export", "db check", "report", "plot", "power"]


@pytest.fixture
def foreign(hpstudy, tmp_path):
    """A database whose study's modules have been replaced by ones that leave a file when they are imported; returns that file."""
    (tmp_path / "train.py").write_text("def f(params, seed): return params['x']")
    (tmp_path / "mine.py").write_text(SEARCHER)
    done = hpstudy("run", "tiny.yaml", "--executor", "inline", "--storage", "foreign.sqlite", text=STUDY)
    assert done.returncode == 0, done.stderr
    trace = tmp_path / "was_here"
    for name in ("train", "mine"):
        (tmp_path / f"{name}.py").write_text(f"open({str(trace)!r}, 'w')\nraise SystemExit")
    return trace


@pytest.mark.parametrize("command", READING)
def test_a_command_that_reads_a_database_runs_nothing_of_its_folder(hpstudy, foreign, command):
    more = {"plot": ["best_so_far", "-o", "x.svg"], "power": ["--difference", "0.1"]}.get(command, [])
    done = hpstudy(*command.split(), "foreign.sqlite", *more)
    assert done.returncode == 0, done.stderr
    assert not foreign.exists()


@pytest.mark.parametrize("command", ["resume", "confirm"])
def test_changed_code_of_a_database_is_refused_before_it_is_imported(hpstudy, foreign, command):
    done = hpstudy(command, "foreign.sqlite")
    assert done.returncode == 4
    assert "source of mine.py, source of train.py" in done.stderr
    assert not foreign.exists()


def test_a_module_that_the_database_does_not_know_is_not_imported(hpstudy, foreign, tmp_path):
    with sqlite3.connect(tmp_path / "foreign.sqlite") as connection:
        connection.execute("DELETE FROM identity")
    connection.close()
    assert hpstudy("resume", "foreign.sqlite").returncode == 4
    assert not foreign.exists()


def test_validate_imports_the_modules_of_a_study_file(hpstudy, foreign):
    assert hpstudy("validate", "tiny.yaml").returncode == 2
    assert foreign.exists()
