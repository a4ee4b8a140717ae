import json
import sys
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.networks import NETWORKS
from hpstudy.data.cache import VARIABLE
from hpstudy.data.image_folder import ImageFolder
from hpstudy.data.library import import_set
from hpstudy.data.listed import open_listed
from hpstudy.engine.recorder import Recorder
from hpstudy.errors import DataError, StudyError
from hpstudy.loading.load import load_study
from hpstudy.loading.make import make_task
from hpstudy.study.schema import Study, View
from hpstudy.tasks.imagenet import ImageNet, ImageNetSettings, photograph_data

CLASSES, TRAIN, TEST = ("ash", "beech", "elm"), 20, 8
SET = "my_photographs:Photographs"
SMALL = {
    "dataset": SET,
    "images": {"validation": 12, "size": 32, "short_side": 36},
    "network": {"name": "reactnet_a", "width": 2},
    "epochs": 2,
    "batch_size": 16,
    "real_optimizer": {"name": "adam", "learning_rate": 1e-2, "weight_decay": 0},
}
VIEW = View.model_validate({"method": "filter", "space": {"alpha": {"type": "float", "low": 1e-3, "high": 1.0, "log": True}}})


class Photographs(ImageFolder):
    """Stripes of one direction and color per class, with noise, in frames of many sizes."""

    name = "photographs"


def stripes(label, rng):
    height, width = rng.integers(40, 70, 2)
    across = np.arange(width) if label else np.arange(height)[:, None]
    light = np.broadcast_to(1 + np.sin(across / 3), (height, width))[..., None] * np.eye(3)[label] * 90 + 60
    return Image.fromarray((light + rng.integers(-20, 20, (height, width, 3))).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module", autouse=True)
def photographs(tmp_path_factory):
    """A folder of pictures, a cache of this file's own, and this file as a module on the path."""
    folder, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for part, count in (("train", TRAIN), ("val", TEST)):
        for label, name in enumerate(CLASSES):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                stripes(label, rng).save(folder / part / name / f"{number}.jpg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("cache")))
        patch.setitem(sys.modules, "my_photographs", sys.modules[__name__])
        photograph_data.cache_clear()
        import_set(SET, folder)
        yield folder
        photograph_data.cache_clear()


def task(**changes):
    return ImageNet(ImageNetSettings.model_validate({**SMALL, **changes}))


def images(**changes):
    return {**SMALL["images"], **changes}


def evaluate(task, *, seed=0, alpha=0.1, report=None):
    return task.evaluate(task.complete_view(VIEW), {"alpha": alpha}, seed, report or Recorder())


@cache
def trained():
    return evaluate(task())


def study(**changes):
    return Study.model_validate(
        {
            "version": 1,
            "name": "photographs",
            "task": {"use": "imagenet", **SMALL, **changes},
            "metric": {"name": "val_accuracy", "goal": "maximize"},
            "views": {"a": VIEW.model_dump(mode="json")},
            "search": {"searcher": "random", "trials": 2},
            "replicates": 1,
        }
    )


def test_the_same_seed_repeats_and_another_differs():
    assert evaluate(task()) == trained() != evaluate(task(), seed=1)


def test_a_learnable_set_is_learned():
    learned = evaluate(task(network={"name": "birealnet20", "width": 4}, epochs=10, batch_size=8))
    assert learned["test_accuracy"] > 0.8  # chance is 1/3


@pytest.mark.parametrize(
    "change",
    [
        {"images": images(validation=15)},
        {"images": images(train=32)},
        {"images": images(test=10)},
        {"images": images(seed=1)},
        {"images": images(size=40, short_side=44)},
        {"images": images(short_side=48)},
        {"images": images(smallest_piece=0.9)},
        {"images": images(mirror=False)},
        {"images": images(lighting=0.5)},
        {"images": images(mean=(0.5, 0.5, 0.5))},
        {"images": images(deviation=(0.5, 0.5, 0.5))},
        {"network": {"name": "reactnet_a", "width": 3}},
        {"teacher": {"network": "my_photographs:oracle"}},
        {"top_k": 2},
    ],
    ids=json.dumps,
)
def test_every_setting_decides(change):
    assert evaluate(task(**change)) != trained()


def oracle():
    """A trained network: the colors decide, as they do in the pictures."""
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 3))
    network[2].weight.data = 10 * torch.eye(3)
    return network


def confused():
    """A network for another data set."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10))


def test_top_k_is_measured_on_both_parts():
    measured = evaluate(task(top_k=2))
    assert measured["val_accuracy"] <= measured["val_top2_accuracy"] <= 1
    assert measured["test_accuracy"] <= measured["test_top2_accuracy"] <= 1


def test_the_parts_are_drawn_from_the_right_folders():
    data, listed = task().data(), open_listed(SET)
    assert [len(part.y) for part in (data.train, data.validation, data.test)] == [3 * TRAIN - 12, 12, 3 * TEST]
    assert sorted([*data.train.rows, *data.validation.rows]) == list(range(3 * TRAIN))
    assert torch.bincount(data.validation.y).tolist() == [4, 4, 4]
    assert data.test.images.root == listed.test.root
    assert task().opened().classes == CLASSES


def test_the_network_sees_squares_of_the_size():
    data = task().data()
    x = data.transform(next(data.validation.in_order(5)), None)
    assert x.shape == (5, 3, 32, 32)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_the_identity_is_that_of_files_and_teacher():
    assert task().identity() == {f"photographs of {SET}": open_listed(SET).checksum}
    assert set(task(teacher={"network": "my_photographs:oracle"}).identity()) == {
        f"photographs of {SET}",
        "source of module my_photographs",
        f"source of module {__name__}",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": images(size=40)}, r"short_side \(36\) must be at least size \(40\)"),
        ({"images": images(deviation=(0, 1, 1))}, "deviation must be above 0"),
        ({"images": images(smallest_piece=0)}, "images.smallest_piece: must be more than 0"),
        ({"images": images(shrink=2)}, "images.shrink: unknown key"),
        ({"dataset": "cifar10"}, "'cifar10' contains images, but image folders are needed: valid: imagenet"),
        (
            {"network": {"name": "vgg_small", "input_size": 64}},
            "input_size is 64, but images.size makes the images 32 pixels wide",
        ),
        ({"teacher": {"network": "resnet34"}}, "weights are missing: for instance IMAGENET1K_V1"),
        ({"teacher": {"network": "my_photographs:oracle", "weights": "W"}}, "weights are only for a network of torchvision"),
        ({"teacher": {"network": "my_photographs:oracel"}}, "has no function 'oracel': did you mean 'oracle'"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_settings_that_cannot_be_are_refused(change, message):
    with pytest.raises(StudyError, match=message) as caught:
        make_task(study(**change).task)
    assert [problem.key[:2] for problem in caught.value.problems] == [("task", next(iter(change)))]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": images(validation=60)}, "task.images.validation: 60 validation images cannot be drawn from 60"),
        ({"images": images(train=49)}, "task.images.train: 49 images cannot be drawn from 48"),
        ({"images": images(test=25)}, "task.images.test: 25 images cannot be drawn from 24"),
        (
            {"teacher": {"network": "my_photographs:confused"}},
            r"task\.teacher my_photographs:confused returns .* 3 classes",
        ),
        ({"top_k": 4}, "task.top_k is 4, but the data set has 3 classes"),
        ({"dataset": "imagenet"}, "imagenet is not on this machine"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_what_only_the_data_can_tell_is_said_before_the_first_trial(change, message):
    with pytest.raises(DataError, match=message):
        task(**change).prepare()


def test_data_are_prepared_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    task().prepare()


def test_prepare_accepts_a_teacher_that_fits():
    task(teacher={"network": "my_photographs:oracle"}, top_k=3).prepare()


def test_a_picture_that_changed_is_named(photographs):
    file = photographs / "val" / "elm" / "0.jpg"
    before = file.read_bytes()
    file.write_bytes(before[:-1])
    try:
        with pytest.raises(DataError, match=r"elm/0\.jpg has changed since it was imported"):
            evaluate(task(epochs=1))
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_networks_that_must_know_the_size_are_told(name):
    assert task(network={"name": name}, images=images(size=48, short_side=48)).settings.network.get("input_size", 48) == 48


def test_settings_completed_again_do_not_change():
    once = ImageNetSettings.model_validate({**SMALL, "teacher": {"network": "resnet34", "weights": "IMAGENET1K_V1"}})
    assert ImageNetSettings.model_validate(once.model_dump(mode="json")) == once


def test_table_3_is_the_study_of_the_paper():
    bound = load_study("studies/paper/table_3.yaml")
    settings = make_task(bound.task).settings
    assert isinstance(settings, ImageNetSettings)
    photographs = 1_281_167 - settings.images.validation
    assert settings.epochs * (photographs // settings.batch_size) == pytest.approx(600_000, rel=0.002)
    assert settings.network == {"name": "reactnet_a", "width": 32}
    view = bound.views["filter"]
    hp = Filter.Hyperparameters.model_validate({**view.fixed, **bound.search.settings["points"][0]})
    assert (hp.alpha, hp.gamma, hp.alpha_decay) == (1e-5, 0.1, "linear")
