"""A binary convolutional network on small images: the task of the paper's section 4 (CIFAR-10, Bi-RealNet-20)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from hpstudy.bnn.networks import NETWORKS
from hpstudy.bnn.settings import Settings, TrainSettings
from hpstudy.data.datasets import check_kind
from hpstudy.data.image_set import ImageSet
from hpstudy.errors import DataError, HpstudyError
from hpstudy.plugins import is_plugin, source_identity
from hpstudy.study.explain import explain
from hpstudy.study.models import validated
from hpstudy.tasks.binary_network import BinaryNetworkTask

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hpstudy.bnn.batches import Data
    from hpstudy.bnn.binarize import BinaryActivation

IMAGE_SIZE = 32
"""Pixels, height and width, of an image set."""

EVALUATION_ROWS = {"cpu": 250, "cuda": 10_000}
"""Images per forward pass in evaluation, by device: on a CPU those whose activations stay in the cache."""


class ImageSettings(Settings):
    """Which images are for training, for the search, and for the test, and what is done to them."""

    train: int | None = Field(default=None, ge=10)
    """Train on so many images, as many of each class, drawn once; on all that do not validate when absent."""
    validation: int = Field(default=5_000, ge=10)
    """Images of the training part that validate, as many of each class. The search sees no others."""
    test: int | None = Field(default=None, ge=10)
    """Test on so many images, as many of each class; on the whole test part when absent."""
    seed: int = Field(default=0, ge=0)
    """Of these draws."""
    shrink: Literal[1, 2, 4] = 1
    """Width and height are divided by this (means of blocks): 2 makes a training on a CPU about six times as fast."""
    padding: int = Field(default=4, ge=0, le=16)
    """Pixels around a training image of which a random crop leaves the original size; 0: no crop."""
    mirror: bool = True
    """Whether half of the training images are mirrored."""


class CifarSettings(TrainSettings):
    """Settings of the image task."""

    dataset: str = "cifar10"
    """An image set of `hpstudy list data`."""
    images: ImageSettings = ImageSettings()
    """Parts, size and augmentation."""
    network: dict[str, Any] = Field(default={"name": "birealnet20"}, validate_default=True)
    """The network's name, and its own settings: {name: birealnet20, variant: B, width: 16}; `hpstudy list networks`."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where to train. Another device rounds differently, so it belongs to what determines a study's numbers."""

    @field_validator("dataset")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            check_kind(name, ImageSet)
        except HpstudyError as error:
            raise ValueError(_sentence(error)) from error
        return name

    @field_validator("network")
    @classmethod
    def _complete(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """The network's block with all its settings; networks that must know the size of the images are told."""
        settings = _network_settings(given)
        if "images" in info.data and "input_size" in type(settings).model_fields:
            settings = _sized(given, IMAGE_SIZE // info.data["images"].shrink)
        return {"name": given["name"], **settings.model_dump(mode="json")}


def _network_settings(block: dict[str, Any]) -> BaseModel:
    """The checked settings of a network block. Raises ValueError with what is wrong."""
    name, own = block.get("name"), {key: value for key, value in block.items() if key != "name"}
    if not isinstance(name, str):
        raise ValueError(f"needs a name; valid: {', '.join(NETWORKS)}")
    try:
        model = getattr(NETWORKS.load(name), "Settings", None)
    except HpstudyError as error:
        raise ValueError(_sentence(error)) from error
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ValueError(f"'{name}' is no network: it has no Settings ({NETWORKS.extend})")
    try:
        return validated(model, own)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, mistake.key))}: {mistake.sentence}" for mistake in explain(error, own, model))
        raise ValueError(f"{name}: {'; '.join(wrong)}") from error


def _sized(block: dict[str, Any], size: int) -> BaseModel:
    """The checked settings of a network for images of `size`. Raises ValueError unless they can have that size."""
    if block.get("input_size", size) != size:
        raise ValueError(
            f"input_size is {block['input_size']}, but images.shrink makes the images {size} pixels wide: leave it out"
        )
    try:
        return _network_settings({**block, "input_size": size})
    except ValueError as error:
        raise ValueError(f"images.shrink makes the images {size} pixels wide; {error}") from error


def _sentence(error: HpstudyError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


class Cifar(BinaryNetworkTask):
    """A convolutional network on an image set in memory, augmented in batches."""

    Settings = CifarSettings
    settings: CifarSettings

    def prepare(self) -> None:
        """Load the images; see that the device is there.

        Raises:
            DataError: the image set is not on this machine, or a part is smaller than asked for; or there is no such device.
        """
        import torch

        if self.settings.device == "cuda" and not torch.cuda.is_available():
            raise DataError(
                "task.device is cuda, but this machine (or this installation of torch) has no CUDA device",
                "run it where one is; or set device: cpu, which takes long at full scale (see --scale small)",
            )
        super().prepare()

    def data(self) -> Data:
        """The images of the three parts, on the device."""
        return image_data(self.settings.dataset, self.settings.images, self.settings.device)

    def identity(self) -> dict[str, str]:
        """The checksum of the images, and of the source of a network of the user's own."""
        from hpstudy.data.images import load_images

        name = str(self.settings.network["name"])
        source = source_identity(name) if is_plugin(name) else {}
        return {f"images of {self.settings.dataset}": load_images(self.settings.dataset).checksum, **source}

    def network(self, activation: BinaryActivation, generator: torch.Generator) -> nn.Module:
        """The network, in channels-last order, on the device."""
        import torch

        from hpstudy.data.images import load_images

        make = NETWORKS.load(self.settings.network["name"])
        network: nn.Module = make(
            _network_settings(self.settings.network),
            channels_in=3,
            classes=len(load_images(self.settings.dataset).classes),
            activation=activation,
            generator=generator,
        )
        return network.to(self.settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@lru_cache(maxsize=2)
def image_data(dataset: str, settings: ImageSettings, device: str) -> Data:
    """The parts as bytes on the device, with the normalisation and augmentation of their batches.

    Every channel is normalised with the mean and deviation of the training images that are used; a constant channel becomes 0.

    Raises:
        DataError: the set is not on this machine, or has too few images.
    """
    import numpy as np
    import torch

    from hpstudy.bnn.batches import Data, Part
    from hpstudy.bnn.images import ImageTransform, halved, statistics
    from hpstudy.data.images import load_images, split_rows, subset_rows

    images = load_images(dataset)
    with _asked("validation"):
        train, validation = split_rows(images.train_y, settings.validation, settings.seed)
    if settings.train is not None:
        with _asked("train"):
            train = subset_rows(images.train_y, train, settings.train, settings.seed)
    test = np.arange(len(images.test_y))
    if settings.test is not None:
        with _asked("test"):
            test = subset_rows(images.test_y, test, settings.test, settings.seed)

    def part(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Part:
        pixels = torch.from_numpy(np.ascontiguousarray(x[rows].transpose(0, 2, 3, 1)))
        small = halved(pixels, times=settings.shrink.bit_length() - 1)
        return Part(small.to(device), torch.from_numpy(np.asarray(y[rows], dtype=np.int64)).to(device))

    training = part(images.train_x, images.train_y, train)
    mean, deviation = statistics(training.x)
    deviation = [d or 1.0 for d in deviation]
    transform = ImageTransform(mean, deviation, padding=settings.padding, mirror=settings.mirror).to(torch.device(device))
    return Data(
        training,
        part(images.train_x, images.train_y, validation),
        part(images.test_x, images.test_y, test),
        transform=transform,
        evaluation_rows=EVALUATION_ROWS[device],
    )


@contextmanager
def _asked(part: str) -> Iterator[None]:
    """Errors within say which setting asks for too many images."""
    try:
        yield
    except DataError as error:
        raise DataError(f"task.images.{part}: {error.message}", error.hint) from error
