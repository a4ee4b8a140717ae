import json
import math
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.methods.interface import Hyperparameters
from hpstudy.bnn.networks import NETWORKS
from hpstudy.data import load_images
from hpstudy.data.cache import VARIABLE
from hpstudy.data.image_set import ImageSet, LabelledImages
from hpstudy.engine.recorder import Recorder
from hpstudy.errors import DataError, Diverged, StudyError
from hpstudy.loading.bind import bind
from hpstudy.loading.load import load_study
from hpstudy.loading.make import make_task
from hpstudy.study.schema import Study, View
from hpstudy.tasks.binary_network import BinaryNetworkTask
from hpstudy.tasks.cifar import Cifar, CifarSettings, image_data

TRAIN, TEST, CLASSES = 300, 100, 10
SET = "my_pictures:Pictures"
SMALL = {
    "dataset": SET,
    "images": {"train": 60, "validation": 40, "test": 20, "shrink": 4, "padding": 1},
    "network": {"name": "birealnet20", "width": 2},
    "epochs": 1,
    "batch_size": 20,
}


class Pictures(ImageSet):
    """Noise around a checkered picture per class; the blue channel is constant; made here, and so known without a download."""

    name, version, licence = "pictures", 1, "CC0"

    def read(self, source, scratch, progress):
        rng = np.random.default_rng(0)
        kinds = np.kron(rng.integers(0, 256, (CLASSES, 3, 4, 4)), np.ones((8, 8)))

        def part(n):
            y = rng.permutation(np.arange(n) % CLASSES)
            x = np.clip(kinds[y] + rng.integers(-40, 41, (n, 3, 32, 32)), 0, 255).astype(np.uint8)
            x[:, 2] = 9
            return x, y

        return LabelledImages(*part(TRAIN), *part(TEST), tuple("abcdefghij"))


class NoNetwork:
    """A class that lacks what a network needs."""


class OwnNetwork(torch.nn.Linear):
    """The smallest network of one's own, with a list among its settings."""

    class Settings(Hyperparameters):
        widths: tuple[int, ...] = (3, 4)

    def __init__(self, settings, *, channels_in, classes, activation, generator):
        super().__init__(channels_in, classes)


@pytest.fixture(scope="module", autouse=True)
def pictures(tmp_path_factory):
    """A cache of this file's own, and this file as a module on the path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("cache")))
        patch.setitem(sys.modules, "my_pictures", sys.modules[__name__])
        image_data.cache_clear()
        yield load_images(SET)
        image_data.cache_clear()


def settings(**changes):
    return CifarSettings.model_validate({**SMALL, **changes})


def images(**changes):
    return {**SMALL["images"], **changes}


def task(**changes):
    return Cifar(settings(**changes))


def view_of(method):
    """A view that leaves all to the defaults but one hyperparameter, and the point at which that has its default too."""
    for name, field in METHODS.load(method).Hyperparameters.model_fields.items():
        if type(field.default) is float and field.default > 0:
            space = {name: {"type": "float", "low": field.default / 2, "high": field.default}}
            return View.model_validate({"method": method, "space": space}), {name: field.default}
    name, field = next(iter(METHODS.load(method).Hyperparameters.model_fields.items()))
    space = {name: {"type": "int", "low": 1, "high": field.default}}
    return View.model_validate({"method": method, "space": space}), {name: field.default}


def evaluate(task, method="filter", *, seed=0, report=None):
    view, point = view_of(method)
    assert task.check_view(view) == []
    return task.evaluate(task.complete_view(view), point, seed, report or Recorder())


def study(**changes):
    view = view_of("filter")[0].model_dump(mode="json")
    return Study.model_validate(
        {
            "version": 1,
            "name": "pictures",
            "question": "Which?",
            "task": {"use": "cifar", **SMALL, **changes},
            "metric": {"name": "val_accuracy", "goal": "maximize"},
            "views": {"a": view, "b": view},
            "search": {"searcher": "random", "trials": 2},
            "replicates": 1,
        }
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"network": {"name": "birealnet2"}},
            r"no network is called 'birealnet2': did you mean 'birealnet20'\? valid: .*vgg_small",
        ),
        ({"network": {"width": 4}}, "needs a name; valid: birealnet20, resnet20"),
        ({"network": {"name": "birealnet20", "widht": 4}}, r"birealnet20: widht: unknown key: did you mean 'width'\? valid: "),
        ({"network": {"name": "birealnet20", "width": 3}}, r"birealnet20: width: .*multiple of 2"),
        ({"network": {"name": "birealnet20", "width": "4"}}, "birealnet20: width: must be a whole number"),
        ({"network": {"name": "birealnet20", "variant": "F"}}, "birealnet20: variant: 'F' is not valid here: .*A, B, C, D, E"),
        (
            {"network": {"name": "vgg_small", "input_size": 32}},
            "input_size is 32, but images.shrink makes the images 8 pixels wide",
        ),
        (
            {"network": {"name": "binarynet"}},
            "images.shrink makes the images 8 pixels wide; binarynet: input_size: .*at least 10",
        ),
        ({"network": {"name": "no_such_module:Net"}}, "there is no module 'no_such_module'.*put it next to the study file"),
        ({"network": {"name": "my_pictures:NoNetwork"}}, "'my_pictures:NoNetwork' is not a network: it has no Settings"),
        ({"dataset": "fsdd"}, "'fsdd' contains spoken digits, but images are needed: valid: cifar10, cifar100"),
        ({"dataset": "cifar11"}, r"no data set is called 'cifar11': did you mean 'cifar10"),
        ({"dataset": "no_such_module:Pictures"}, "there is no module 'no_such_module'"),
        ({"images": {"shrink": 3}}, "images.shrink: 3 is not valid here: .*1, 2, 4"),
        ({"images": {"shrink": True}}, "images.shrink: must be a whole number, not true"),
        ({"images": {"padding": 17}}, "images.padding: must be at most 16"),
        ({"images": {"crop": 4}}, "images.crop: unknown key"),
        ({"device": "gpu"}, r"device: 'gpu' is not valid here: .*cpu, cuda"),
        ({"precision": "tf32"}, "precision tf32 needs device: cuda"),
        ({"recalibrate": "always"}, r"recalibrate: 'always' is not valid here: .*every_epoch"),
        ({"first_step": {}}, "first_step.epochs: this key is missing"),
        ({"activation": "sign"}, "activation: 'sign' is not valid here"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_settings_that_cannot_be_are_refused_with_the_valid_ones(change, message):
    with pytest.raises(StudyError, match=message) as caught:
        make_task(study(**change).task)
    assert [problem.key[:2] for problem in caught.value.problems] == [("task", next(iter(change)))]


def test_a_mistake_in_the_images_is_not_a_mistake_in_the_network_too():
    with pytest.raises(StudyError) as caught:
        make_task(study(images={"shrink": 3}, network={"name": "vgg_small", "width": 2}).task)
    assert [problem.key for problem in caught.value.problems] == [("task", "images", "shrink")]


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_settings_of_every_network_are_completed_and_completed_again_do_not_change(name):
    once = settings(network={"name": name}, images=images(shrink=2))
    assert set(once.network) == {"name", *NETWORKS.load(name).Settings.model_fields}
    assert once.network.get("input_size", 16) == 16
    assert CifarSettings.model_validate(once.model_dump(mode="json")) == once


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"network": {"name": "vgg_small", "width": 2}},
        {"network": {"name": "vgg_small", "width": 2, "input_size": 8}},
        {"network": {"name": "my_pictures:OwnNetwork"}},
        {"first_step": {"epochs": 2}, "recalibrate": "end"},
    ],
    ids=json.dumps,
)
def test_binding_a_bound_study_changes_nothing(change):
    once = bind(study(**change)).study
    assert bind(once).study == once
    assert bind(Study.from_json(once.to_json())).study == once


def test_a_network_of_ones_own_takes_a_list_from_a_study_file():
    block = {"name": "my_pictures:OwnNetwork", "widths": [5, 6, 7]}
    assert settings(network=block).network == block


def rows_of(part, whole):
    """The numbers of the images of a part in the whole set; every picture is unique."""
    numbers = {picture.transpose(1, 2, 0).tobytes(): row for row, picture in enumerate(np.asarray(whole))}
    return [numbers[picture.numpy().tobytes()] for picture in part.x]


def parts(**changes):
    return task(images=images(shrink=1, **changes)).data()


def test_training_and_validation_share_no_image(pictures):
    data = parts(train=None)
    train, validation = (rows_of(part, pictures.train_x) for part in (data.train, data.validation))
    assert sorted(train + validation) == list(range(TRAIN))
    assert len(validation) == 40


def test_a_training_subset_is_balanced_and_shares_no_image_with_the_validation_part(pictures):
    data = parts(train=60)
    train, validation = (rows_of(part, pictures.train_x) for part in (data.train, data.validation))
    assert not set(train) & set(validation)
    assert len(set(train)) == 60
    assert np.bincount(data.train.y).tolist() == [6] * CLASSES
    assert np.bincount(data.validation.y).tolist() == [4] * CLASSES


def test_the_size_of_the_training_subset_does_not_change_the_validation_part(pictures):
    assert rows_of(parts(train=60).validation, pictures.train_x) == rows_of(parts(train=30).validation, pictures.train_x)


def test_test_images_are_those_of_the_test_part(pictures):
    some, every = parts(test=20).test, parts(test=None).test
    assert len(set(rows_of(some, pictures.test_x))) == 20
    assert np.bincount(some.y).tolist() == [2] * CLASSES
    assert rows_of(every, pictures.test_x) == list(range(TEST))


def test_images_keep_their_class(pictures):
    data = parts()
    for part, x, y in ((data.train, pictures.train_x, pictures.train_y), (data.test, pictures.test_x, pictures.test_y)):
        assert np.array_equal(y[rows_of(part, x)], part.y.numpy())


def test_another_seed_draws_other_images(pictures):
    assert rows_of(parts(seed=1).train, pictures.train_x) != rows_of(parts().train, pictures.train_x)


@pytest.mark.parametrize("shrink", [2, 4])
def test_shrunk_images_are_means_of_blocks(shrink):
    whole, small = parts().train.x.double(), task(images=images(shrink=shrink)).data().train.x
    size = 32 // shrink
    means = whole.view(60, size, shrink, size, shrink, 3).mean((2, 4))
    assert small.shape == (60, size, size, 3)
    assert (small - means).abs().max() <= shrink / 4  # rounded by at most 1/2 once or twice


def test_training_images_are_normalized_and_a_constant_channel_is_zero():
    data = task().data()
    x = data.transform(data.train.x, None)
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.var((0, 2, 3), correction=0), torch.tensor([1.0, 1.0, 0.0]), atol=1e-4, rtol=0)


def test_all_parts_are_normalized_with_the_training_images():
    data = task().data()
    used = data.train.x.double().flatten(0, 2)[:, 0]
    expected = (data.test.x[..., 0].double() - used.mean()) / used.std(correction=0)
    torch.testing.assert_close(data.transform(data.test.x, None)[:, 0].double(), expected, atol=1e-5, rtol=1e-5)


def test_the_images_are_loaded_once_for_all_trials():
    assert task().data() is task(epochs=7).data()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": 261}, r"task.images.train: 261 images cannot be drawn from 260\n.*valid: 1 to 260"),
        ({"validation": 300}, r"task.images.validation: 300 validation images cannot be drawn from 300.*\n.*valid: 1 to 299"),
        ({"test": 101}, r"task.images.test: 101 images cannot be drawn from 100\n.*valid: 1 to 100"),
    ],
    ids=["train", "validation", "test"],
)
def test_more_images_than_there_are_is_an_error_before_the_first_trial(change, message):
    with pytest.raises(DataError, match=message):
        task(images=images(**change)).prepare()


def test_an_image_set_that_is_not_here_is_an_error_before_the_first_trial():
    with pytest.raises(DataError, match=r"(?s)cifar10 is not on this machine.*hpstudy data fetch cifar10"):
        task(dataset="cifar10").prepare()


def test_a_device_that_is_not_there_is_an_error_before_the_first_trial(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DataError, match=r"(?s)no CUDA device.*set device: cpu"):
        task(device="cuda").prepare()


def test_a_device_that_is_there_is_no_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    task(device="cuda").prepare()


def test_data_are_prepared_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    task().prepare()


def test_the_identity_is_the_checksum_of_the_images(pictures):
    assert task().identity() == {f"images of {SET}": pictures.checksum}


def test_the_source_of_a_network_of_ones_own_is_part_of_the_identity():
    found = task(network={"name": "my_pictures:OwnNetwork"}).identity()
    digests = {found.pop("source of module my_pictures"), found.pop(f"source of module {__name__}")}
    assert [len(digest) for digest in digests] == [64]
    assert [name.split(" of ")[0] for name in found] == ["images"]


@cache
def trained(method):
    return evaluate(task(), method)


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_trains_with_its_default_hyperparameters(method):
    metrics = trained(method)
    assert set(metrics) == {
        *("val_accuracy", "val_loss", "train_accuracy", "train_loss", "test_accuracy"),
        *("flip_ratio", "epoch_flip_rate", "never_flipped"),
    }
    assert all(math.isfinite(value) for value in metrics.values())
    assert all(0 <= value <= 1 for name, value in metrics.items() if not name.endswith("loss"))


@pytest.mark.parametrize("method", ["filter", "slb"])
def test_the_same_seed_repeats_and_another_differs(method):
    assert evaluate(task(), method) == trained(method) != evaluate(task(), method, seed=1)


def test_the_global_generator_has_no_say():
    torch.manual_seed(5)
    assert evaluate(task()) == trained("filter")


@pytest.mark.parametrize(
    "change",
    [
        {"images": images(padding=0)},
        {"images": images(mirror=False)},
        {"images": images(seed=1)},
        {"network": {"name": "birealnet20", "width": 2, "variant": "D"}},
        {"activation": "ste_clip"},
        {"recalibrate": "end"},
        {"first_step": {"epochs": 1}},
    ],
    ids=json.dumps,
)
def test_every_setting_decides(change):
    assert evaluate(task(**change)) != trained("filter")


def test_a_curve_holds_every_epoch_of_both_steps_and_no_test_accuracy():
    recorder = Recorder()
    evaluate(task(epochs=2, first_step={"epochs": 1}), report=recorder)
    assert [epoch for epoch, name, _ in recorder.curves if name == "val_loss"] == [1, 2, 3]
    assert "test_accuracy" not in {name for _, name, _ in recorder.curves}


def test_a_learnable_set_is_learned():
    plain = {"images": images(train=None, padding=0, mirror=False), "network": {"name": "birealnet20", "width": 4}}
    easy = task(**plain, epochs=6)
    assert evaluate(easy)["val_accuracy"] > 0.5  # chance is 0.1


def test_the_network_lies_in_memory_channels_last():
    from hpstudy.bnn.binarize import BinaryActivation
    from hpstudy.bnn.settings import Surrogate

    network = task().network(BinaryActivation(Surrogate("approx_sign")), torch.Generator())
    kernels = [p for p in network.parameters() if p.dim() == 4 and p.shape[2] > 1]
    assert kernels
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in kernels)


def test_divergence_is_passed_on():
    with pytest.raises(Diverged):
        evaluate(task(real_optimizer={"learning_rate": 1e38}, epochs=2))


def test_no_search_may_optimize_on_the_test_part():
    assert issubclass(Cifar, BinaryNetworkTask)
    assert set(task().objectives()) == {"val_accuracy", "val_loss"} <= set(trained("filter"))


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "configs" / "tasks").glob("cifar*.yaml")), ids=lambda p: p.stem
)
def test_a_shipped_task_has_settings_without_mistakes(path, tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(json.dumps({**json.loads(study().to_json()), "task": {"from": str(path)}}))
    assert make_task(load_study(file).task).settings.network["name"] == "birealnet20"


def test_a_study_of_images_is_checked_without_loading_torch():
    script = "import sys; from hpstudy.loading.bind import bind; from hpstudy.study.schema import Study; "
    script += "bind(Study.from_json(sys.stdin.read())); sys.exit(bool({'torch', 'scipy', 'pandas'} & set(sys.modules)))"
    asked = study(dataset="cifar10", first_step={"epochs": 1}, network={"name": "vgg_small"}).to_json()
    done = subprocess.run([sys.executable, "-c", script], input=asked, text=True, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
