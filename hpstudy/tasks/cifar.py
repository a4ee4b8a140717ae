"""A binary convolutional network on small images: the task of the paper's section 4 (CIFAR-10, Bi-RealNet-20)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from hpstudy.data.image_set import ImageSet
from hpstudy.tasks.image_network import ImageNetworkSettings, ImageNetworkTask, ImageParts

if TYPE_CHECKING:
    from hpstudy.bnn.batches import Data
    from hpstudy.data.images import Images

IMAGE_SIZE = 32
"""Pixels, height and width, of an image set."""

EVALUATION_ROWS = {"cpu": 250, "cuda": 10_000}
"""Images per forward pass in evaluation, by device: on a CPU those whose activations stay in the cache."""


class ImageSettings(ImageParts):
    """Which images are for training, for the search, and for the test, and what is done to them."""

    size_key = "shrink"

    shrink: Literal[1, 2, 4] = 1
    """Width and height are divided by this (means of blocks): 2 makes a training on a CPU about six times as fast."""
    padding: int = Field(default=4, ge=0, le=16)
    """Pixels around a training image of which a random crop leaves the original size; 0: no crop."""
    mirror: bool = True
    """Whether half of the training images are mirrored."""

    @property
    def pixels(self) -> int:
        """What `shrink` leaves."""
        return IMAGE_SIZE // self.shrink


class CifarSettings(ImageNetworkSettings):
    """Settings of the task on small images."""

    dataset_kind = ImageSet

    dataset: str = "cifar10"
    """An image set of `hpstudy list data`."""
    images: ImageSettings = ImageSettings()
    """Parts, size and augmentation."""


class Cifar(ImageNetworkTask):
    """A convolutional network on an image set in memory, augmented in batches."""

    Settings = CifarSettings
    settings: CifarSettings

    def data(self) -> Data:
        """The images of the three parts, on the device."""
        return image_data(self.settings.dataset, self.settings.images, self.settings.device)

    def classes(self) -> tuple[str, ...]:
        """Of the image set."""
        return self._images().classes

    def checksum(self) -> dict[str, str]:
        """Of all pixels and labels."""
        return {f"images of {self.settings.dataset}": self._images().checksum}

    def _images(self) -> Images:
        from hpstudy.data.images import load_images

        return load_images(self.settings.dataset)


@lru_cache(maxsize=2)
def image_data(dataset: str, settings: ImageSettings, device: str) -> Data:
    """The parts as bytes on the device, with the normalisation and augmentation of their batches.

    Every channel is normalised with the mean and deviation of the training images that are used; a constant channel becomes 0.

    Raises:
        DataError: the set is not on this machine, or has too few images.
    """
    import numpy as np
    import torch

    from hpstudy.bnn.batches import Data, InMemory
    from hpstudy.bnn.images import ImageTransform, halved, statistics
    from hpstudy.data.images import load_images

    images = load_images(dataset)
    train, validation, test = settings.rows(images.train_y, images.test_y)

    def part(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> InMemory:
        pixels = torch.from_numpy(np.ascontiguousarray(x[rows].transpose(0, 2, 3, 1)))
        small = halved(pixels, times=settings.shrink.bit_length() - 1)
        return InMemory(small.to(device), torch.from_numpy(np.asarray(y[rows], dtype=np.int64)).to(device))

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
