"""Base classes of tasks that train a binary convolutional network on images: parts, network, teacher."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from hpstudy.bnn.networks import NETWORKS
from hpstudy.bnn.settings import Teacher, TrainSettings
from hpstudy.data.dataset import DataSet
from hpstudy.data.datasets import check_kind
from hpstudy.described import DescribedModel
from hpstudy.errors import DataError, HpstudyError
from hpstudy.plugins import is_plugin, load_callable
from hpstudy.sources import source_identity
from hpstudy.study.explain import explain
from hpstudy.study.models import validated
from hpstudy.tasks.binary_network import BinaryNetworkTask

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from hpstudy.bnn.binarize import BinaryActivation
    from hpstudy.data.images import Images
    from hpstudy.data.listed import ListedImages


class ImageParts(DescribedModel):
    """Training, validation and test images."""

    train: int | None = Field(default=None, ge=10)
    """Number of training images, class-balanced and drawn once. Default: all images that are not used for validation."""
    validation: int = Field(default=5_000, ge=10)
    """Number of validation images, class-balanced and drawn from the training part. The search uses only these."""
    test: int | None = Field(default=None, ge=10)
    """Number of test images, class-balanced. Default: the whole test part."""
    seed: int = Field(default=0, ge=0)
    """Seed of these draws."""

    size_key: ClassVar[str]
    """The key that determines `pixels`."""

    @property
    @abstractmethod
    def pixels(self) -> int:
        """Height and width of the network's input in pixels."""

    def rows(self, train_y: NDArray[np.int64], test_y: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Return the rows for training, validation and test, each ascending.

        Args:
            train_y: (n,) classes of the training part of the data set, from which training and validation rows are drawn.
            test_y: (m,) classes of the test part of the data set.

        Raises:
            DataError: a part has too few rows.
        """
        import numpy as np

        from hpstudy.data.images import split_rows, subset_rows

        with _naming_key("validation"):
            train, validation = split_rows(train_y, self.validation, self.seed)
        if self.train is not None:
            with _naming_key("train"):
                train = subset_rows(train_y, train, self.train, self.seed)
        test = np.arange(len(test_y))
        if self.test is not None:
            with _naming_key("test"):
                test = subset_rows(test_y, test, self.test, self.seed)
        return train, validation, test


class ImageNetworkSettings(TrainSettings):
    """Settings of a task on images."""

    dataset: str
    """A data set of `hpstudy list data`."""
    images: ImageParts
    """Parts, size and augmentation of the images."""
    network: dict[str, Any] = Field(default={"name": "birealnet20"}, validate_default=True)
    """Name and settings of the network: {name: birealnet20, variant: B, width: 16}; `hpstudy list networks`."""
    teacher: Teacher | None = None
    """Use the outputs of a trained network instead of the classes in the training loss."""

    dataset_kind: ClassVar[type[DataSet]]
    """Required kind of `dataset`."""

    @field_validator("dataset")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            check_kind(name, cls.dataset_kind)
        except HpstudyError as error:
            raise ValueError(_sentence(error)) from error
        return name

    @field_validator("network")
    @classmethod
    def _complete(cls, block: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Complete the network's block with all settings. Networks that need the size of the images receive it."""
        settings = network_settings(block)
        if "images" in info.data and "input_size" in type(settings).model_fields:
            settings = _sized(block, info.data["images"])
        return {"name": block["name"], **settings.model_dump(mode="json")}

    @field_validator("teacher")
    @classmethod
    def _importable(cls, teacher: Teacher | None) -> Teacher | None:
        if teacher is not None and is_plugin(teacher.network):
            try:
                load_callable(teacher.network)
            except HpstudyError as error:
                raise ValueError(_sentence(error)) from error
        return teacher


class ImageNetworkTask(BinaryNetworkTask):
    """A convolutional network on images."""

    settings: ImageNetworkSettings
    image_noun: ClassVar[str]
    """Plural name of the images in the identity of a study."""

    @abstractmethod
    def opened(self) -> Images | ListedImages:
        """Return the data set, with its class names and its checksum."""

    def prepare(self) -> None:
        """Check the device, the images and the teacher.

        Raises:
            DataError: the images are not on this machine, or a part is smaller than requested; there is no such device; or the teacher
                cannot be loaded, or has other classes.
        """
        settings = self.settings
        super().prepare()
        count = len(self.opened().classes)
        if settings.top_k is not None and settings.top_k > count:
            raise DataError(f"task.top_k is {settings.top_k}, but the data set has {count} classes", f"valid: 2 to {count}")
        if settings.teacher is not None:
            from hpstudy.bnn.teacher import check_teacher, load_teacher

            load_teacher.cache_clear()
            check_teacher(settings.teacher, count, settings.images.pixels, settings.device)

    def identity(self) -> dict[str, str]:
        """Return the checksums of the images, the teacher, and the source of a user's network."""
        name = str(self.settings.network["name"])
        identity = {f"{self.image_noun} of {self.settings.dataset}": self.opened().checksum}
        if is_plugin(name):
            identity |= source_identity(name)
        if self.settings.teacher is not None:
            from hpstudy.bnn.teacher import teacher_identity

            identity |= teacher_identity(self.settings.teacher)
        return identity

    def network(self, activation: BinaryActivation, generator: torch.Generator) -> nn.Module:
        """Create the network on the device, in channels-last memory format."""
        from hpstudy.bnn.layers import to_device

        make = NETWORKS.load(self.settings.network["name"])
        network: nn.Module = make(
            network_settings(self.settings.network),
            channels_in=3,
            classes=len(self.opened().classes),
            activation=activation,
            generator=generator,
        )
        return to_device(network, self.settings.device)

    def teacher(self) -> nn.Module | None:
        """Return the teacher. It is loaded once per process."""
        if self.settings.teacher is None:
            return None
        from hpstudy.bnn.teacher import load_teacher

        return load_teacher(self.settings.teacher, self.settings.device)


def network_settings(block: dict[str, Any]) -> BaseModel:
    """Return the checked settings of a network block. Raises ValueError with all problems."""
    name, keys = block.get("name"), {key: value for key, value in block.items() if key != "name"}
    if not isinstance(name, str):
        raise ValueError(f"needs a name; valid: {', '.join(NETWORKS)}")
    try:
        model = getattr(NETWORKS.load(name), "Settings", None)
    except HpstudyError as error:
        raise ValueError(_sentence(error)) from error
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ValueError(f"'{name}' is not a network: it has no Settings ({NETWORKS.extend})")
    try:
        return validated(model, keys)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, mistake.key))}: {mistake.sentence}" for mistake in explain(error, keys, model))
        raise ValueError(f"{name}: {'; '.join(wrong)}") from error


def _sized(block: dict[str, Any], images: ImageParts) -> BaseModel:
    """Return the checked settings of a network for these images. Raises ValueError if it does not support their size."""
    size = images.pixels
    wide = f"images.{images.size_key} makes the images {size} pixels wide"
    if block.get("input_size", size) != size:
        raise ValueError(f"input_size is {block['input_size']}, but {wide}: remove it")
    try:
        return network_settings({**block, "input_size": size})
    except ValueError as error:
        raise ValueError(f"{wide}; {error}") from error


@contextmanager
def _naming_key(part: str) -> Iterator[None]:
    """Prefix the errors of the block with the key that requests too many images."""
    try:
        yield
    except DataError as error:
        raise DataError(f"task.images.{part}: {error.message}", error.hint) from error


def _sentence(error: HpstudyError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
