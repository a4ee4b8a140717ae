"""Augmentation of photographs of any size as usual for ImageNet: random resized crops, mirroring and color jitter (PCA lighting).

`hpstudy.bnn.on_disk` crops and resizes the images, with the random numbers drawn here. The other steps are operations on whole batches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from hpstudy.bnn.batches import Transform

TRIES = 10
"""Number of candidate crops. The first one that fits is used."""

ASPECT = (3 / 4, 4 / 3)
"""Minimum and maximum of width / height of a crop."""

LIGHT_VALUES = (0.2175, 0.0188, 0.0045)
"""Commonly used eigenvalues of the covariance of red, green and blue over the pixels of ImageNet, with white = 1. AlexNet's authors did not
publish theirs."""

LIGHT_VECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))
"""The eigenvectors as columns; rows are red, green, blue."""

POSITION, MIRROR, LIGHT = 2 * TRIES, 2 * TRIES + 2, 2 * TRIES + 3
"""Column indices of a sample's draws. The columns are: areas, aspects, position, mirror, light."""


class PhotographTransform(Transform):
    """Normalize images; in training also mirror half of them, and shift their colors along the principal components of color.

    The color shift is that of AlexNet (Krizhevsky et al., 2012, section 4.1): P (a s) is added to every pixel, where P are the
    eigenvectors, s the eigenvalues, and a three draws from N(0, `lighting`^2) per image.

    Args:
        mean: mean of every channel, in [0, 1].
        deviation: standard deviation of every channel, in [0, 1].
        mirror: whether half of the images are mirrored.
        lighting: standard deviation of the draws; 0 disables the shift.
    """

    def __init__(self, mean: Sequence[float], deviation: Sequence[float], *, mirror: bool, lighting: float) -> None:
        self._scale = 1 / (255 * torch.tensor(deviation))
        self._shift = -torch.tensor(mean) / torch.tensor(deviation)
        self._colors = lighting * torch.tensor(LIGHT_VECTORS) * torch.tensor(LIGHT_VALUES) / torch.tensor(deviation)[:, None]
        self.mirror = mirror

    def to(self, device: torch.device) -> PhotographTransform:
        """Move the constants to a device and return the transform."""
        self._scale, self._shift, self._colors = (c.to(device) for c in (self._scale, self._shift, self._colors))
        return self

    def draw(self, samples: int, generator: torch.Generator) -> Tensor:
        """Draw (samples, 26) numbers: area and aspect of every candidate and the position, in [0, 1); whether to mirror; 3 from N(0, 1)."""
        uniform = torch.rand(samples, LIGHT, generator=generator)
        uniform[:, MIRROR] = (uniform[:, MIRROR] < 0.5) & self.mirror
        return torch.cat([uniform, torch.randn(samples, 3, generator=generator)], 1)

    def __call__(self, x: Tensor, draws: Tensor | None) -> Tensor:
        """Transform (batch, height, width, 3) bytes to (batch, 3, height, width) floats in channels-last memory format."""
        if draws is None:
            return torch.addcmul(self._shift, x.to(self._scale.dtype), self._scale).permute(0, 3, 1, 2)
        x = torch.where(draws[:, MIRROR, None, None, None].bool(), x.flip(2), x)
        light = draws[:, LIGHT:] @ self._colors.T
        shift = (self._shift + light)[:, None, None, :]
        return torch.addcmul(shift, x.to(self._scale.dtype), self._scale).permute(0, 3, 1, 2)


def crop_boxes(draws: Tensor, shapes: Tensor, smallest: float) -> Tensor:
    """Return the random crop of each image: left, top, right, bottom, in pixels.

    The area of a crop is uniform in [`smallest`, 1] of the image's area, its aspect is log-uniform in `ASPECT`, and its position is
    uniform. The first of `TRIES` candidates that fits into the image is used. If none fits, the crop is the largest central one that
    `ASPECT` allows (Szegedy et al., 2015, https://arxiv.org/abs/1409.4842, as commonly implemented).

    Args:
        draws: (n, 26) numbers of `PhotographTransform.draw`.
        shapes: (n, 2) height and width of the images in pixels.
        smallest: minimum area of a crop, as a share of the image's area.

    Returns:
        (n, 4) int64.
    """
    height, width = shapes.to(torch.float64).unbind(1)
    uniform = draws.to(torch.float64)
    # Width and height of all candidates, (n, TRIES).
    area = (smallest + (1 - smallest) * uniform[:, :TRIES]) * (height * width)[:, None]
    low, high = (math.log(ratio) for ratio in ASPECT)
    aspect = torch.exp(low + (high - low) * uniform[:, TRIES:POSITION])
    wide, tall = torch.round(torch.sqrt(area * aspect)), torch.round(torch.sqrt(area / aspect))
    fits = (wide >= 1) & (tall >= 1) & (wide <= width[:, None]) & (tall <= height[:, None])
    # The first candidate that fits, or the central crop, (n,).
    first = fits.to(torch.uint8).argmax(1, keepdim=True)
    any_fits = fits.any(1)
    narrowest, widest = ASPECT
    piece_width = torch.where(any_fits, wide.gather(1, first)[:, 0], torch.minimum(width, torch.round(height * widest)))
    piece_height = torch.where(any_fits, tall.gather(1, first)[:, 0], torch.minimum(height, torch.round(width / narrowest)))
    # A uniform position for a candidate, the center for the central crop, (n,).
    position = uniform[:, POSITION:MIRROR]
    left = torch.where(any_fits, torch.floor(position[:, 0] * (width - piece_width + 1)), torch.floor((width - piece_width) / 2))
    top = torch.where(
        any_fits, torch.floor(position[:, 1] * (height - piece_height + 1)), torch.floor((height - piece_height) / 2)
    )
    return torch.stack([left, top, left + piece_width, top + piece_height], 1).to(torch.int64)
