"""Sizes of images that a network with fully connected layers can take."""

from __future__ import annotations

from torch import Tensor

from hpstudy.errors import UsageError


def require_size(x: Tensor, size: int) -> None:
    """Raises UsageError unless the images x, (batch, channels, height, width), have height and width `size`."""
    height, width = x.shape[-2:]
    if height != size or width != size:
        raise UsageError(
            f"the network takes images of {size} x {size} pixels, got {height} x {width}",
            "set the network's input_size to that of the data; its images must be square",
        )
