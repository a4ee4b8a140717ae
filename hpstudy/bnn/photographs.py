"""Photographs of any size: random pieces of them, mirrored and lit differently, as networks for ImageNet are trained on.

A part's pictures are cut and scaled by the part that reads them (`hpstudy.bnn.on_disk`), from the draws made here; the rest is
arithmetic on whole batches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from hpstudy.bnn.batches import Transform

TRIES = 10
"""Pieces that are drawn until one fits."""

ASPECT = (3 / 4, 4 / 3)
"""Width / height of a piece, at least and at most."""

LIGHT_VALUES = (0.2175, 0.0188, 0.0045)
"""What is in common use for the eigenvalues of the covariance of red, green and blue over ImageNet's pixels, white being 1; AlexNet's
authors published none."""

LIGHT_VECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))
"""Their eigenvectors, one per column; rows are red, green, blue."""

POSITION, MIRROR, LIGHT = 2 * TRIES, 2 * TRIES + 2, 2 * TRIES + 3
"""Where a sample's draws stand: areas, aspects, position, mirror, light."""


class PhotographTransform(Transform):
    """Normalise; in training also mirror half of the pictures, and move their light along the principal components of colour.

    Light is that of Krizhevsky et al. (2012, AlexNet, section 4.1): with P the eigenvectors, s the eigenvalues and a three draws
    from N(0, `lighting`) per picture, P (a s) is added to every pixel.

    Args:
        mean: of every channel, in [0, 1].
        deviation: the same.
        mirror: whether half of the pictures are mirrored.
        lighting: standard deviation of the draws; 0: none.
    """

    def __init__(self, mean: Sequence[float], deviation: Sequence[float], *, mirror: bool, lighting: float) -> None:
        self._scale = 1 / (255 * torch.tensor(deviation))
        self._shift = -torch.tensor(mean) / torch.tensor(deviation)
        self._colours = lighting * torch.tensor(LIGHT_VECTORS) * torch.tensor(LIGHT_VALUES) / torch.tensor(deviation)[:, None]
        self.mirror = mirror

    def to(self, device: torch.device) -> PhotographTransform:
        """Move its constants; itself."""
        self._scale, self._shift, self._colours = (c.to(device) for c in (self._scale, self._shift, self._colours))
        return self

    def draw(self, samples: int, generator: torch.Generator) -> Tensor:
        """(samples, 26): area and aspect of every try and the piece's position, in [0, 1); whether to mirror; three from N(0, 1)."""
        uniform = torch.rand(samples, LIGHT, generator=generator)
        uniform[:, MIRROR] = (uniform[:, MIRROR] < 0.5) & self.mirror
        return torch.cat([uniform, torch.randn(samples, 3, generator=generator)], 1)

    def __call__(self, x: Tensor, draws: Tensor | None) -> Tensor:
        """x: (batch, height, width, 3) bytes -> (batch, 3, height, width), channels last in memory."""
        if draws is None:
            return torch.addcmul(self._shift, x.to(self._scale.dtype), self._scale).permute(0, 3, 1, 2)
        x = torch.where(draws[:, MIRROR, None, None, None].bool(), x.flip(2), x)
        light = draws[:, LIGHT:] @ self._colours.T
        shift = (self._shift + light)[:, None, None, :]
        return torch.addcmul(shift, x.to(self._scale.dtype), self._scale).permute(0, 3, 1, 2)


def pieces(draws: Tensor, shapes: Tensor, smallest: float) -> Tensor:
    """The piece of each picture that is trained on: left, top, right, bottom, in pixels.

    The first of `TRIES` that fits: its area is uniform in [`smallest`, 1] of the picture's, its aspect log-uniform in `ASPECT`, its
    position uniform. When none fits, the middle of the picture, as much of it as `ASPECT` allows (Szegedy et al., 2015, as in common
    use).

    Args:
        draws: (n, 26) of `PhotographTransform.draw`.
        shapes: (n, 2) height and width of the pictures.
        smallest: share of the picture's area.

    Returns:
        (n, 4) int64.
    """
    height, width = shapes.to(torch.float64).unbind(1)
    uniform = draws.to(torch.float64)
    area = (smallest + (1 - smallest) * uniform[:, :TRIES]) * (height * width)[:, None]
    low, high = (math.log(ratio) for ratio in ASPECT)
    aspect = torch.exp(low + (high - low) * uniform[:, TRIES:POSITION])
    wide, tall = torch.round(torch.sqrt(area * aspect)), torch.round(torch.sqrt(area / aspect))
    fits = (wide >= 1) & (tall >= 1) & (wide <= width[:, None]) & (tall <= height[:, None])
    first = fits.to(torch.uint8).argmax(1, keepdim=True)
    any_fits = fits.any(1)
    least, most = ASPECT
    piece_width = torch.where(any_fits, wide.gather(1, first)[:, 0], torch.minimum(width, torch.round(height * most)))
    piece_height = torch.where(any_fits, tall.gather(1, first)[:, 0], torch.minimum(height, torch.round(width / least)))
    position = uniform[:, POSITION:MIRROR]
    left = torch.where(any_fits, torch.floor(position[:, 0] * (width - piece_width + 1)), torch.floor((width - piece_width) / 2))
    top = torch.where(
        any_fits, torch.floor(position[:, 1] * (height - piece_height + 1)), torch.floor((height - piece_height) / 2)
    )
    return torch.stack([left, top, left + piece_width, top + piece_height], 1).to(torch.int64)
