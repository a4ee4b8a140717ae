"""The Gaussian process of one search and its acquisition, as Ax makes them by default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.models import SingleTaskGP
from botorch.models.transforms.input import InputTransform
from torch import Tensor

from hpstudy.goal import Goal
from hpstudy.search.effort import Effort
from hpstudy.search.encoding import Encoding
from hpstudy.search.interface import Observation
from hpstudy.search.outcomes import has_value, robustly_scaled, standardized
from hpstudy.search.single.fit import fit
from hpstudy.search.snapping import Snapping


class Snap(InputTransform):
    """`Snapping` as BoTorch's input transform."""

    is_one_to_many = False
    transform_on_train = True
    transform_on_eval = True
    transform_on_fantasize = True

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self.snapping = Snapping(encoding)

    def transform(self, X: Tensor) -> Tensor:
        """(..., n, width) coordinates -> (..., n, width) snapped coordinates."""
        return self.snapping(X)


def fitted(encoding: Encoding, history: Sequence[Observation], *, goal: Goal, effort: Effort) -> Any:
    """BoTorch's Gaussian process, fitted to the trials that have a value.

    Raises:
        botorch.exceptions.errors.ModelFittingError: if every attempt to fit it failed.
    """
    valued = [past for past in history if has_value(past)]
    points = torch.tensor([encoding.encode(past.point) for past in valued], dtype=torch.float64)
    values = torch.from_numpy(standardized(robustly_scaled(valued, goal)))
    snap = Snap(encoding) if encoding.cells or encoding.one_hot else None
    model = SingleTaskGP(points, values[:, None], outcome_transform=None, input_transform=snap)
    fit(model, effort)
    return model


def noisy_improvement(model: Any, observed: Tensor, pending: Tensor) -> Any:
    """BoTorch's noisy expected improvement.

    Args:
        model: the fitted Gaussian process.
        observed: (N, width) coordinates of the trials with a value.
        pending: (M, width) coordinates of the trials without one.
    """
    return qLogNoisyExpectedImprovement(model, observed, X_pending=pending if len(pending) else None)
