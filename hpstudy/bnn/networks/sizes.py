"""Check of the image size for networks with fully connected layers."""

from __future__ import annotations

from torch import Tensor

from hpstudy.errors import UsageError


def require_size(x: Tensor, size: int) -> None:
    """Raise UsageError unless the images x, (batch, channels, height, width), have height and width `size`."""
    height, width = x.shape[-2:]
    if height != size or width != size:
        raise UsageError(
            f"the network needs images of {size} x {size} pixels, got {height} x {width}",
            "set input_size of the network to the size of the images; they must be square",
        )
