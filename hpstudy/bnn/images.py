"""Vectorized normalization and augmentation of images in memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from hpstudy.bnn.batches import Transform


class ImageTransform(Transform):
    """Normalize images; in training also pad them, crop them at a random position, and mirror half of them.

    Images are stored as (n, height, width, channels) bytes, so that the values of a pixel are contiguous. The network gets
    (batch, channels, height, width) floats in channels-last memory format.

    Args:
        mean: mean of every channel of the training images, in [0, 1].
        deviation: standard deviation of every channel of the training images, in [0, 1].
        padding: pixels with value 0 (before normalization) added on every side before the crop to the original size; 0 disables it.
        mirror: whether half of the images are mirrored.
        dtype: type of the network's input.
    """

    def __init__(
        self, mean: Sequence[float], deviation: Sequence[float], *, padding: int, mirror: bool, dtype: torch.dtype = torch.float32
    ) -> None:
        self._scale = (1 / (255 * torch.tensor(deviation, dtype=torch.float64))).to(dtype)
        self._shift = (-torch.tensor(mean, dtype=torch.float64) / torch.tensor(deviation, dtype=torch.float64)).to(dtype)
        self.padding = padding
        self.mirror = mirror

    def to(self, device: torch.device) -> ImageTransform:
        """Move the constants to a device and return the transform."""
        self._scale, self._shift = self._scale.to(device), self._shift.to(device)
        return self

    def draw(self, samples: int, generator: torch.Generator) -> Tensor | None:
        """Draw (samples, 3) integers: row and column of the crop in the padded image, and whether to mirror."""
        if not self.padding and not self.mirror:
            return None
        offset = torch.randint(2 * self.padding + 1, (samples, 2), generator=generator)
        flip = torch.randint(2, (samples, 1), generator=generator) * self.mirror
        return torch.cat([offset, flip], 1)

    def __call__(self, x: Tensor, draws: Tensor | None) -> Tensor:
        """Transform (batch, height, width, channels) bytes to (batch, channels, height, width) floats."""
        if draws is not None:
            x = self._augmented(x, draws)
        return torch.addcmul(self._shift, x.to(self._scale.dtype), self._scale).permute(0, 3, 1, 2)

    def _augmented(self, x: Tensor, draws: Tensor) -> Tensor:
        # Gather all crops with one indexing operation: rows (batch, height) and columns (batch, width) of the padded images.
        height, width = x.shape[1:3]
        p = self.padding
        row, column, mirror = draws.unbind(1)
        rows = row[:, None] + torch.arange(height, device=x.device)
        columns = torch.arange(width, device=x.device).expand(len(x), width)
        columns = column[:, None] + torch.where(mirror[:, None].bool(), columns.flip(1), columns)
        padded = functional.pad(x, (0, 0, p, p, p, p))
        image = torch.arange(len(x), device=x.device)
        return padded[image[:, None, None], rows[:, :, None], columns[:, None, :]]


def statistics(x: Tensor) -> tuple[list[float], list[float]]:
    """Compute the mean and standard deviation of every channel of (n, height, width, channels) bytes, divided by 255."""
    levels = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in x.reshape(-1, x.shape[-1]).unbind(1):
        share = torch.bincount(channel, minlength=256).to(torch.float64).cpu() / len(channel)
        mean = (share * levels).sum()
        means.append(mean.item())
        deviations.append((share * (levels - mean) ** 2).sum().sqrt().item())
    return means, deviations


def halved(x: Tensor, times: int) -> Tensor:
    """Halve the height and width of (n, height, width, channels) bytes `times` times, by rounded means of 2 x 2 pixels."""
    for _ in range(times):
        n, height, width, channels = x.shape
        blocks = x.view(n, height // 2, 2, width // 2, 2, channels).to(torch.int32)
        x = (blocks.sum((2, 4)) + 2).div_(4, rounding_mode="floor").to(torch.uint8)
    return x
