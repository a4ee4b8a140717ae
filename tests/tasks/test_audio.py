import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

import hpstudy.data
from hpstudy.data import Split
from hpstudy.engine.recorder import Recorder
from hpstudy.errors import DataError, Diverged
from hpstudy.study.schema import View
from hpstudy.tasks.audio import AudioMLP, AudioSettings, audio_data

CLIPS, FEATURES = 600, 12
VIEW = View.model_validate({"method": "filter", "space": {"alpha": {"type": "float", "low": 1e-5, "high": 0.1, "log": True}}})
POINT = {"alpha": 1e-2}
SMALL = {"widths": [16, 16, 16], "epochs": 3, "batch_size": 20}


@pytest.fixture(autouse=True)
def clouds(monkeypatch):
    """A data set of ten Gaussian clouds, with the last feature constant, in place of recordings."""
    generator = np.random.default_rng(0)
    digit = np.arange(CLIPS) % 10
    x = (3 + 2 * generator.standard_normal((10, FEATURES))[digit] + generator.standard_normal((CLIPS, FEATURES))).astype(
        np.float32
    )
    x[:, -1] = 7
    features = SimpleNamespace(x=x, digit=digit.astype(np.int64), checksum="abc")
    parts = Split(train=np.arange(300), validation=np.arange(300, 450), test=np.arange(450, 600))
    monkeypatch.setattr(hpstudy.data, "load_features", lambda dataset, settings: features)
    monkeypatch.setattr(hpstudy.data, "split", lambda dataset, features, *, by, fold, seed: parts)
    audio_data.cache_clear()
    yield features
    audio_data.cache_clear()


def task(**settings):
    return AudioMLP(AudioSettings.model_validate({**SMALL, **settings}))


def parts(task):
    s = task.settings
    return audio_data(s.dataset, s.split, s.features, s.train_clips, s.device)


def evaluate(task, seed=0, report=None, **point):
    return task.evaluate(task.complete_view(VIEW), {**POINT, **point}, seed, report or Recorder())


def test_no_search_may_optimize_on_the_test_part():
    assert "val_accuracy" in task().objectives()
    assert not [name for name in task().objectives() if name.startswith("test")]


def test_every_objective_is_a_metric_of_a_trial():
    assert set(task().objectives()) <= set(evaluate(task()))


def test_a_trial_measures_accuracies_losses_and_flips():
    assert set(evaluate(task())) == {
        *("val_accuracy", "val_loss", "train_accuracy", "train_loss", "test_accuracy"),
        *("flip_ratio", "epoch_flip_rate", "never_flipped"),
    }


def test_a_curve_holds_every_epoch_and_no_test_accuracy():
    recorder = Recorder()
    evaluate(task(), report=recorder)
    assert [epoch for epoch, name, _ in recorder.curves if name == "val_loss"] == [1, 2, 3]
    assert "test_accuracy" not in {name for _, name, _ in recorder.curves}


def test_the_same_seed_repeats_and_another_differs():
    assert evaluate(task(), seed=0) == evaluate(task(), seed=0) != evaluate(task(), seed=1)


def test_the_point_decides():
    assert evaluate(task(), alpha=1e-5) != evaluate(task(), alpha=1.0)


def test_a_fixed_value_decides():
    fixed = VIEW.model_copy(update={"fixed": {"gamma": 1.0}})
    assert evaluate(task()) != task().evaluate(task().complete_view(fixed), POINT, 0, Recorder())


def test_training_clips_are_standardized():
    x = parts(task()).train.x[:, :-1]
    torch.testing.assert_close(x.mean(0), torch.zeros(FEATURES - 1), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(0, correction=0), torch.ones(FEATURES - 1), atol=1e-5, rtol=0)


def test_a_constant_feature_becomes_zero():
    assert not parts(task()).validation.x[:, -1].any()


def test_all_parts_are_standardized_with_the_training_clips(clouds):
    used = clouds.x[:300]
    expected = (clouds.x[450:] - used.mean(0))[:, :-1] / used.std(0)[:-1]
    torch.testing.assert_close(parts(task()).test.x[:, :-1], torch.from_numpy(expected), atol=1e-5, rtol=0)


def test_training_clips_are_the_same_in_every_process():
    first = parts(task(train_clips=50)).train
    audio_data.cache_clear()
    assert torch.equal(first.x, parts(task(train_clips=50)).train.x)
    assert len(first.y) == 50


def test_the_features_are_loaded_once_for_all_trials():
    assert parts(task()) is parts(task(epochs=7))


def test_more_training_clips_than_there_are_is_an_error_before_the_first_trial():
    with pytest.raises(DataError, match=r"301.*300 training clips"):
        task(train_clips=301).prepare()


def test_data_are_prepared_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    task(train_clips=50).prepare()


def test_the_identity_is_the_checksum_of_the_features():
    assert task().identity() == {"features of speech_digits": "abc"}


def test_divergence_is_passed_on():
    with pytest.raises(Diverged):
        evaluate(task(real_optimizer={"learning_rate": 1e38}))


@pytest.mark.parametrize(
    "setting",
    [
        {"dataset": "speech_digit"},
        {"split": {"by": "accent"}},
        {"split": {"by": "speaker", "fold": 5}},
        {"epochs": 0},
        {"widths": []},
        {"widths": [0]},
        {"activation": "sign"},
        {"hidden": 3},
        {"batch_size": 1},
        {"top_k": 11},
    ],
)
def test_settings_out_of_bounds_are_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        task(**setting)


def test_a_study_is_checked_without_loading_torch():
    script = "import sys, hpstudy.tasks.audio; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "configs" / "tasks").glob("audio*.yaml")), ids=lambda path: path.stem
)
def test_a_shipped_task_has_four_layers_and_settings_without_mistakes(path):
    block = YAML(typ="safe").load(path)
    assert block.pop("use") == "audio_mlp"
    assert len(AudioSettings.model_validate(block).widths) == 3
