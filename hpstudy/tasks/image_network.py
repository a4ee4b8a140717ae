"""What tasks share that train a binary convolutional network on images: the network, the device, a teacher."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from hpstudy.bnn.networks import NETWORKS
from hpstudy.bnn.settings import Settings, Teacher, TrainSettings
from hpstudy.data.dataset import DataSet
from hpstudy.data.datasets import check_kind
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


class ImageParts(Settings):
    """Which images are for training, for the search, and for the test."""

    train: int | None = Field(default=None, ge=10)
    """Number of training images, class-balanced and drawn once. Default: all images that are not used for validation."""
    validation: int = Field(default=5_000, ge=10)
    """Images of the training part that validate, as many of each class. The search sees no others."""
    test: int | None = Field(default=None, ge=10)
    """Number of test images, class-balanced. Default: the whole test part."""
    seed: int = Field(default=0, ge=0)
    """Of these draws."""

    size_key: ClassVar[str]
    """The key that determines `pixels`."""

    @property
    @abstractmethod
    def pixels(self) -> int:
        """Height and width of what the network sees."""

    def rows(self, train_y: NDArray[np.int64], test_y: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """The rows that train, that validate, and that test, each ascending.

        Args:
            train_y: (n,) classes of the data set's training part, of which the first two are drawn.
            test_y: (m,) classes of its test part.

        Raises:
            DataError: a part has too few rows.
        """
        import numpy as np

        from hpstudy.data.images import split_rows, subset_rows

        with _asked("validation"):
            train, validation = split_rows(train_y, self.validation, self.seed)
        if self.train is not None:
            with _asked("train"):
                train = subset_rows(train_y, train, self.train, self.seed)
        test = np.arange(len(test_y))
        if self.test is not None:
            with _asked("test"):
                test = subset_rows(test_y, test, self.test, self.seed)
        return train, validation, test


class ImageNetworkSettings(TrainSettings):
    """Settings of a task on images."""

    dataset: str
    """A data set of `hpstudy list data`."""
    images: ImageParts
    """Parts, size and augmentation."""
    network: dict[str, Any] = Field(default={"name": "birealnet20"}, validate_default=True)
    """The network's name, and its own settings: {name: birealnet20, variant: B, width: 16}; `hpstudy list networks`."""
    teacher: Teacher | None = None
    """Train towards the outputs of a trained network, instead of the classes."""

    dataset_kind: ClassVar[type[DataSet]]
    """What `dataset` must be."""

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
    def _complete(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """The network's block with all its settings; networks that need the size of the images receive it."""
        settings = network_settings(given)
        if "images" in info.data and "input_size" in type(settings).model_fields:
            settings = _sized(given, info.data["images"])
        return {"name": given["name"], **settings.model_dump(mode="json")}

    @field_validator("teacher")
    @classmethod
    def _importable(cls, given: Teacher | None) -> Teacher | None:
        if given is not None and is_plugin(given.network):
            try:
                load_callable(given.network)
            except HpstudyError as error:
                raise ValueError(_sentence(error)) from error
        return given


class ImageNetworkTask(BinaryNetworkTask):
    """A convolutional network on images."""

    settings: ImageNetworkSettings

    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Names of the data set's classes."""

    @abstractmethod
    def checksum(self) -> dict[str, str]:
        """The checksum of the images, under their name."""

    def prepare(self) -> None:
        """Load the images, and see that the device and the teacher are there.

        Raises:
            DataError: the images are not on this machine, or a part is smaller than asked for; there is no such device; the teacher
                cannot be had, or has other classes.
        """
        settings = self.settings
        super().prepare()
        count = len(self.classes())
        if settings.top_k is not None and settings.top_k > count:
            raise DataError(f"task.top_k is {settings.top_k}, but the data set has {count} classes", f"valid: 2 to {count}")
        if settings.teacher is not None:
            from hpstudy.bnn.teacher import check_teacher

            check_teacher(settings.teacher, count, settings.images.pixels, settings.device)

    def identity(self) -> dict[str, str]:
        """The checksums of the images and of the teacher, and of the source of a network of the user's own."""
        name = str(self.settings.network["name"])
        identity = {**self.checksum(), **(source_identity(name) if is_plugin(name) else {})}
        if self.settings.teacher is not None:
            from hpstudy.bnn.teacher import teacher_identity

            identity |= teacher_identity(self.settings.teacher)
        return identity

    def network(self, activation: BinaryActivation, generator: torch.Generator) -> nn.Module:
        """The network, in channels-last order, on the device."""
        from hpstudy.bnn.layers import placed

        make = NETWORKS.load(self.settings.network["name"])
        network: nn.Module = make(
            network_settings(self.settings.network),
            channels_in=3,
            classes=len(self.classes()),
            activation=activation,
            generator=generator,
        )
        return placed(network, self.settings.device)

    def teacher(self) -> nn.Module | None:
        """The teacher, loaded once per process."""
        if self.settings.teacher is None:
            return None
        from hpstudy.bnn.teacher import load_teacher

        return load_teacher(self.settings.teacher, self.settings.device)


def network_settings(block: dict[str, Any]) -> BaseModel:
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


def _sized(block: dict[str, Any], images: ImageParts) -> BaseModel:
    """The checked settings of a network for these images. Raises ValueError unless they can have that size."""
    size = images.pixels
    wide = f"images.{images.size_key} makes the images {size} pixels wide"
    if block.get("input_size", size) != size:
        raise ValueError(f"input_size is {block['input_size']}, but {wide}: leave it out")
    try:
        return network_settings({**block, "input_size": size})
    except ValueError as error:
        raise ValueError(f"{wide}; {error}") from error


@contextmanager
def _asked(part: str) -> Iterator[None]:
    """Errors within say which setting asks for too many images."""
    try:
        yield
    except DataError as error:
        raise DataError(f"task.images.{part}: {error.message}", error.hint) from error


def _sentence(error: HpstudyError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
