"""Coordinates of whole numbers, steps and choices, moved to where the surrogate compares them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpstudy.search.encoding import Cells

if TYPE_CHECKING:
    from torch import Tensor


class Snapping:
    """Moves coordinates to the centres of their cells, and one-hot groups to their largest coordinate.

    Constant within a cell, so its gradient is zero: an acquisition optimiser moves the other coordinates, from starts in many
    cells.

    Args:
        cells: coordinates with cells.
        one_hot: (first coordinate, number of values) of the one-hot groups.
    """

    def __init__(self, cells: Sequence[Cells], one_hot: Sequence[tuple[int, int]]) -> None:
        import torch

        self.cells = [(c.column, torch.from_numpy(c.borders), torch.from_numpy(c.centres)) for c in cells]
        self.one_hot = one_hot

    def __call__(self, coordinates: Tensor) -> Tensor:
        """(..., n, width) coordinates -> (..., n, width) snapped coordinates."""
        import torch

        snapped = coordinates.clone()
        for column, borders, centres in self.cells:
            cell = torch.bucketize(coordinates[..., column].detach().contiguous(), borders, right=True)
            snapped[..., column] = centres[cell]
        for start, values in self.one_hot:
            group = coordinates[..., start : start + values].detach()
            snapped[..., start : start + values] = torch.nn.functional.one_hot(group.argmax(-1), values).to(coordinates)
        return snapped
