"""Images: from bytes in memory to normalised, augmented batches, without a Python step per image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from hpstudy.bnn.batches import Transform


class ImageTransform(Transform):
    """Normalise; in training also pad, crop at a random place, and mirror half of the images.

    Images lie in memory as (n, height, width, channels) bytes, so that what is read together lies together, and reach the network
    as (batch, channels, height, width) floats in channels-last order.

    Args:
        mean: of every channel of the training images, in [0, 1].
        deviation: the same.
        padding: pixels of 0 (before normalisation) on every side, of which the crop leaves one image's size; 0: no crop.
        mirror: whether half of the images are mirrored.
        dtype: of what the network sees.
    """

    def __init__(
        self, mean: Sequence[float], deviation: Sequence[float], *, padding: int, mirror: bool, dtype: torch.dtype = torch.float32
    ) -> None:
        self._scale = (1 / (255 * torch.tensor(deviation, dtype=torch.float64))).to(dtype)
        self._shift = (-torch.tensor(mean, dtype=torch.float64) / torch.tensor(deviation, dtype=torch.float64)).to(dtype)
        self.padding = padding
        self.mirror = mirror

    def to(self, device: torch.device) -> ImageTransform:
        """Move its constants; itself."""
        self._scale, self._shift = self._scale.to(device), self._shift.to(device)
        return self

    def draw(self, samples: int, generator: torch.Generator) -> Tensor | None:
        """(samples, 3): row and column of the crop in the padded image, and whether to mirror."""
        if not self.padding and not self.mirror:
            return None
        offset = torch.randint(2 * self.padding + 1, (samples, 2), generator=generator)
        flip = torch.randint(2, (samples, 1), generator=generator) * self.mirror
        return torch.cat([offset, flip], 1)

    def __call__(self, x: Tensor, draws: Tensor | None) -> Tensor:
        """x: (batch, height, width, channels) bytes -> (batch, channels, height, width)."""
        if draws is not None:
            x = self._augmented(x, draws)
        return torch.addcmul(self._shift, x.to(self._scale.dtype), self._scale).permute(0, 3, 1, 2)

    def _augmented(self, x: Tensor, draws: Tensor) -> Tensor:
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
    """Mean and standard deviation of every channel of (n, height, width, channels) bytes, as shares of 255."""
    levels = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in x.reshape(-1, x.shape[-1]).unbind(1):
        share = torch.bincount(channel, minlength=256).to(torch.float64).cpu() / len(channel)
        mean = (share * levels).sum()
        means.append(mean.item())
        deviations.append((share * (levels - mean) ** 2).sum().sqrt().item())
    return means, deviations


def halved(x: Tensor, times: int) -> Tensor:
    """Images of half the height and width, `times` times: means of 2 x 2 pixels, rounded. (n, height, width, channels) bytes."""
    for _ in range(times):
        n, height, width, channels = x.shape
        blocks = x.view(n, height // 2, 2, width // 2, 2, channels).to(torch.int32)
        x = (blocks.sum((2, 4)) + 2).div_(4, rounding_mode="floor").to(torch.uint8)
    return x
