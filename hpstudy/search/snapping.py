"""Snaps coordinates of integers, steps and choices to the values that the surrogate compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpstudy.search.encoding import Encoding

if TYPE_CHECKING:
    from torch import Tensor


class Snapping:
    """Moves coordinates to the centers of their cells, one-hot groups to their largest coordinate, absent ones to the middle.

    It is constant within a cell, so its gradient is zero. An acquisition optimizer moves the other coordinates, with starts in many cells.

    Args:
        encoding: encoding of the coordinates.
    """

    def __init__(self, encoding: Encoding) -> None:
        import torch

        self.cells = [(c.column, torch.from_numpy(c.borders), torch.from_numpy(c.centers)) for c in encoding.cells]
        self.one_hot = encoding.one_hot
        self.conditions = [(c, torch.tensor(c.neutral, dtype=torch.float64)) for c in encoding.conditions]

    def __call__(self, coordinates: Tensor) -> Tensor:
        """(..., n, width) coordinates -> (..., n, width) snapped coordinates."""
        import torch

        snapped = coordinates.clone()
        values: dict[int, Tensor] = {}  # the index of the value, by first coordinate
        for column, borders, centers in self.cells:
            cell = torch.bucketize(coordinates[..., column].detach().contiguous(), borders, right=True)
            snapped[..., column] = centers[cell]
            values[column] = cell
        for start, count in self.one_hot:
            group = coordinates[..., start : start + count].detach()
            values[start] = group.argmax(-1)
            snapped[..., start : start + count] = torch.nn.functional.one_hot(values[start], count).to(coordinates)
        present: dict[int, Tensor] = {}
        for condition, neutral in self.conditions:
            holds = torch.ones(coordinates.shape[:-1], dtype=torch.bool)
            for parent, admitted in condition.parents:
                holds &= torch.isin(values[parent], torch.tensor(admitted)) & present.get(parent, holds)
            present[condition.start] = holds
            columns = slice(condition.start, condition.start + len(neutral))
            snapped[..., columns] = torch.where(holds[..., None], snapped[..., columns], neutral)
        return snapped
