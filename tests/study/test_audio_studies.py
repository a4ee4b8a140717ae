"""The study of the paper's audio experiment, against what the paper publishes and on a small set in the layout of its data."""

import json

import pytest

import hpstudy
from hpstudy.data import library
from hpstudy.data.audiomnist import AudioMnist
from hpstudy.data.cache import VARIABLE
from hpstudy.loading.load import load_study
from hpstudy.study.shipped import shipped_root
from hpstudy.tasks.audio import audio_data
from tests.support.originals import write_audiomnist

STUDY = shipped_root() / "studies/audio_audiomnist.yaml"


@pytest.fixture
def small_audiomnist(tmp_path, monkeypatch):
    """All 60 speakers with every digit once: 360 clips to train on, 120 to validate, 120 to test."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(AudioMnist.__init__, "__defaults__", (60, 1))
    library.import_set("audiomnist", write_audiomnist(tmp_path / "AudioMNIST", speakers=60, repetitions=1))
    audio_data.cache_clear()
    yield
    audio_data.cache_clear()


def test_the_study_has_the_settings_that_the_paper_publishes():
    study = load_study(STUDY)
    task = study.task.settings
    optimizer = {key: task["real_optimizer"][key] for key in ("name", "learning_rate", "momentum", "weight_decay", "decay")}
    assert optimizer == {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "decay": "cosine"}
    assert (task["dataset"], task["batch_size"], len(task["widths"])) == ("audiomnist", 256, 3)
    assert {name: len(view.space.root) for name, view in study.views.items()} == {"latent": 6, "filter": 2}
    assert (study.views["latent"].fixed["learning_rate_decay"], study.views["filter"].fixed["alpha_decay"]) == (
        "cosine",
        "cosine",
    )
    assert (study.search.trials, study.replicates) == (25, 20)


@pytest.mark.usefixtures("small_audiomnist")
def test_the_study_runs_on_recordings_in_the_layout_of_audiomnist(tmp_path):
    file = tmp_path / "small.yaml"
    sizes = {"search": {"trials": 2, "initial": 2}, "replicates": 1, "analysis": {"budgets": [1, 2], "criteria": []}}
    file.write_text(json.dumps({"from": str(STUDY), **sizes}))
    done = hpstudy.run(file, tmp_path / "small.sqlite", executor="inline")
    assert (done.complete, done.counts.completed) == (True, 4)
