"""What Tab offers."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import hpstudy
from hpstudy.cli import completion

STUDY = """\
name: tiny
task: {use: branin}
metric: {name: value, goal: minimize}
views: {both: {space: {x1: {type: float, low: -5, high: 10}, x2: {type: float, low: 0, high: 15}}},
        one: {space: {x1: {type: float, low: -5, high: 10}}, fixed: {x2: 1}}}
search: {searcher: random, trials: 2}
replicates: 2
scales: {small: {replicates: 1}, large: {replicates: 3}}
"""


def context(**params):
    return types.SimpleNamespace(params=params)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HPSTUDY_STORAGE", raising=False)
    (tmp_path / "tiny.yaml").write_text(STUDY)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/other.yaml").write_text(STUDY)
    (tmp_path / "notes.txt").write_text("")
    return tmp_path


def test_studies_are_files_folders_and_names_with_a_database(folder):
    assert completion.studies(context(), "") == ["inner/", "tiny.yaml"]
    assert completion.studies(context(), "inner/o") == ["inner/other.yaml"]
    assert completion.studies(context(), f"{folder}/t") == [f"{folder}/tiny.yaml"]
    hpstudy.run("tiny.yaml", executor="inline")
    assert completion.studies(context(), "t") == ["tiny.yaml", "tiny"]


def test_views_scales_and_figures_are_those_of_the_study_on_the_command_line():
    hpstudy.run("tiny.yaml", executor="inline")
    assert completion.views(context(study="tiny"), "o") == ["one"]
    assert completion.scales(context(study="tiny.yaml"), "") == ["small", "large"]
    assert "best_so_far" in completion.figures(context(study="tiny"), "best")


@pytest.mark.parametrize("complete", [completion.views, completion.scales, completion.figures])
@pytest.mark.parametrize("study", [None, "missing", "missing.yaml", "notes.txt"])
def test_a_study_that_cannot_be_read_offers_nothing(complete, study):
    assert complete(context(study=study), "") == []


def test_a_folder_that_is_not_there_offers_nothing():
    assert completion.studies(context(), "nowhere/") == []


def test_the_shell_gets_them():
    environment = {"COMP_WORDS": "hpstudy run t", "COMP_CWORD": "2", "_HPSTUDY_COMPLETE": "complete_bash"}
    program = Path(sys.executable).with_name("hpstudy")
    done = subprocess.run([program], env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["tiny.yaml"]
