"""A binary convolutional network on photographs of any size: the task of the paper's Table 3 (ImageNet, ReActNet-A)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from hpstudy.data.image_folder import ImageFolder
from hpstudy.tasks.image_network import ImageNetworkSettings, ImageNetworkTask, ImageParts

if TYPE_CHECKING:
    import numpy as np

    from hpstudy.bnn.batches import Data
    from hpstudy.data.listed import Listed, ListedImages

EVALUATION_ROWS = {"cpu": 50, "cuda": 500}
"""Photographs per forward pass in evaluation, by device."""

Color = tuple[float, float, float]
"""Red, green and blue, as shares of 255."""


class PhotographSettings(ImageParts):
    """Training, validation and test photographs, and their size and augmentation."""

    size_key = "size"

    validation: int = Field(default=50_000, ge=10)
    """Number of validation photographs, class-balanced and drawn from the training part. The search uses only these."""
    size: int = Field(default=224, ge=32)
    """Height and width of the network's input in pixels."""
    short_side: int = Field(default=256, ge=32)
    """Length in pixels to which the shorter side is resized in evaluation, before a center crop."""
    smallest_piece: float = Field(default=0.08, gt=0, le=1)
    """Minimum area of the random crop in training, as a share of the photograph's area."""
    mirror: bool = True
    """Whether half of the training photographs are mirrored."""
    lighting: float = Field(default=0.0, ge=0)
    """Standard deviation of the random color shift of training photographs (0.1 in Krizhevsky et al., 2012); 0 disables it."""
    mean: Color = (0.485, 0.456, 0.406)
    """Mean that is subtracted. Published networks, such as a teacher, expect that of ImageNet."""
    deviation: Color = (0.229, 0.224, 0.225)
    """Standard deviation by which colors are divided."""

    @property
    def pixels(self) -> int:
        """Height and width of the network's input in pixels."""
        return self.size

    @model_validator(mode="after")
    def _sides(self) -> PhotographSettings:
        if self.short_side < self.size:
            raise ValueError(f"short_side ({self.short_side}) must be at least size ({self.size}), the size of the center crop")
        if min(self.deviation) <= 0:
            raise ValueError("deviation must be above 0 for every color")
        return self


class ImageNetSettings(ImageNetworkSettings):
    """Settings of the task on photographs."""

    dataset_kind = ImageFolder

    dataset: str = "imagenet"
    """An image-folder data set of `hpstudy list data`."""
    images: PhotographSettings = PhotographSettings()
    """Parts, size and augmentation of the photographs."""
    network: dict[str, Any] = Field(default={"name": "reactnet_a"}, validate_default=True)
    """Name and settings of the network: {name: reactnet_a, width: 32}; `hpstudy list networks`."""


class ImageNet(ImageNetworkTask):
    """A convolutional network on photographs on disk. For a GPU, all cores prefetch them."""

    Settings = ImageNetSettings
    settings: ImageNetSettings
    image_noun = "photographs"

    def check_data(self) -> None:
        """Open the list of the photographs, and check the sizes of the parts."""
        photograph_data.cache_clear()
        listed = self.opened()
        self.settings.images.rows(listed.train.labels, listed.test.labels)

    def data(self) -> Data:
        """Return the photographs of the three parts. Their classes are on the device."""
        return photograph_data(self.settings.dataset, self.settings.images, self.settings.device)

    def opened(self) -> ListedImages:
        """Return the image folder. Its checksum covers the names, classes and contents of all files."""
        from hpstudy.data.listed import open_listed

        return open_listed(self.settings.dataset)


@lru_cache(maxsize=2)
def photograph_data(dataset: str, settings: PhotographSettings, device: str) -> Data:
    """Return the parts, with the normalization and augmentation of their batches.

    Raises:
        DataError: the data set is not on this machine, or has too few photographs.
    """
    import torch

    from hpstudy.bnn.batches import Data
    from hpstudy.bnn.on_disk import OnDisk
    from hpstudy.bnn.photographs import PhotographTransform
    from hpstudy.data.listed import open_listed

    listed = open_listed(dataset)
    train, validation, test = settings.rows(listed.train.labels, listed.test.labels)

    def part(pictures: Listed, rows: np.ndarray) -> OnDisk:
        y = torch.from_numpy(pictures.labels[rows]).to(device)
        return OnDisk(
            pictures, rows, y, size=settings.size, short_side=settings.short_side, smallest_piece=settings.smallest_piece
        )

    transform = PhotographTransform(settings.mean, settings.deviation, mirror=settings.mirror, lighting=settings.lighting)
    return Data(
        part(listed.train, train),
        part(listed.train, validation),
        part(listed.test, test),
        transform=transform.to(torch.device(device)),
        evaluation_rows=EVALUATION_ROWS[device],
    )
