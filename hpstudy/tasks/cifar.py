"""A binary convolutional network on small images: the task of the paper's section 4 (CIFAR-10, Bi-RealNet-20)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from hpstudy.data.image_set import ImageSet
from hpstudy.study.blocks import WHOLE
from hpstudy.tasks.image_network import ImageNetworkSettings, ImageNetworkTask, ImageParts

if TYPE_CHECKING:
    from hpstudy.bnn.batches import Data
    from hpstudy.data.images import Images

IMAGE_SIZE = 32
"""Height and width of the images of an image set, in pixels."""

EVALUATION_ROWS = {"cpu": 250, "cuda": 10_000}
"""Images per forward pass in evaluation, by device. On a CPU the activations of this number of images fit into the cache."""


class ImageSettings(ImageParts):
    """Training, validation and test images, and their size and augmentation."""

    size_key = "shrink"

    shrink: Annotated[Literal[1, 2, 4], WHOLE] = 1
    """Divide width and height by this factor (means of blocks). With 2, training on a CPU is about six times as fast."""
    padding: int = Field(default=4, ge=0, le=16)
    """Pixels added on every side of a training image before a random crop to the original size; 0 disables the crop."""
    mirror: bool = True
    """Whether half of the training images are mirrored."""

    @property
    def pixels(self) -> int:
        """Height and width after `shrink`, in pixels."""
        return IMAGE_SIZE // self.shrink


class CifarSettings(ImageNetworkSettings):
    """Settings of the task on small images."""

    dataset_kind = ImageSet

    dataset: str = "cifar10"
    """An image set of `hpstudy list data`."""
    images: ImageSettings = ImageSettings()
    """Parts, size and augmentation of the images."""


class Cifar(ImageNetworkTask):
    """A convolutional network on an image set in memory, augmented in batches."""

    Settings = CifarSettings
    settings: CifarSettings
    image_noun = "images"

    def check_data(self) -> None:
        """Open the images, and check the sizes of the parts."""
        image_data.cache_clear()
        images = self.opened()
        self.settings.images.rows(images.train_y, images.test_y)

    def data(self) -> Data:
        """Return the images of the three parts on the device."""
        return image_data(self.settings.dataset, self.settings.images, self.settings.device)

    def opened(self) -> Images:
        """Return the image set. Its checksum covers all pixels and labels."""
        from hpstudy.data.images import load_images

        return load_images(self.settings.dataset)


@lru_cache(maxsize=2)
def image_data(dataset: str, settings: ImageSettings, device: str) -> Data:
    """Return the parts as bytes on the device, with the normalization and augmentation of their batches.

    Every channel is normalized with the mean and deviation of the selected training images. A constant channel becomes 0.

    Raises:
        DataError: the data set is not on this machine, or has too few images.
    """
    import numpy as np
    import torch

    from hpstudy.bnn.batches import Data, InMemory
    from hpstudy.bnn.images import ImageTransform, halved, statistics
    from hpstudy.data.images import load_images

    images = load_images(dataset)
    train, validation, test = settings.rows(images.train_y, images.test_y)

    def part(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> InMemory:
        # (n, 3, 32, 32) -> (n, 32, 32, 3), then shrunk.
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
