"""`hpstudy init --template`: each study is valid, and runs as it is."""

import os
import sys
from pathlib import Path

import pytest

from hpstudy import run
from hpstudy.loading.load import load_study
from hpstudy.study.shipped import shipped_root
from hpstudy.study.templates import TEMPLATES


def test_every_folder_of_templates_has_a_name():
    assert sorted(TEMPLATES) == sorted(folder.name for folder in (shipped_root() / "templates").iterdir())


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_valid_study(hpstudy, tmp_path, name):
    done = hpstudy("init", "here", "--template", name)
    assert (done.returncode, done.stdout) == (0, "")
    assert "hpstudy run my_study.yaml" in done.stderr
    assert list(load_study(tmp_path / "here/my_study.yaml").views)


@pytest.mark.parametrize("name", ["function", "script", "optuna"])
def test_a_template_runs(hpstudy, tmp_path, monkeypatch, name):
    hpstudy("init", "here", "--template", name)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    file = tmp_path / "here/my_study.yaml"
    text = (
        file.read_text()
        .replace("searcher: ax, trials: 10", "searcher: random, trials: 2")
        .replace("replicates: 10", "replicates: 1")
    )
    file.write_text(text)
    assert run(file, tmp_path / "s.sqlite", executor="inline").counts.completed == 4


def test_nothing_is_overwritten(hpstudy, tmp_path):
    hpstudy("init", "here", "--template", "function")
    (tmp_path / "here/my_module.py").write_text("mine")
    done = hpstudy("init", "here", "--template", "function")
    assert done.returncode == 2
    assert "files with different content exist: " in done.stderr
    assert (tmp_path / "here/my_module.py").read_text() == "mine"


def test_an_unknown_template_is_answered_with_the_valid_ones(hpstudy):
    done = hpstudy("init", "here", "--template", "skript")
    assert done.returncode == 2
    assert "did you mean 'script'? valid: function, script, optuna, bnn" in done.stderr
