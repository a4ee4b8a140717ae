"""Many small minimizations by L-BFGS-B that share each function evaluation.

References:
    C. Zhu, R. H. Byrd, P. Lu, J. Nocedal, "Algorithm 778: L-BFGS-B", ACM Transactions on Mathematical Software 23 (1997),
        https://doi.org/10.1145/279232.279236.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from botorch.optim.batched_lbfgs_b import fmin_l_bfgs_b_batched
from torch import Tensor


def minimize(
    function: Callable[[Tensor], Tensor],
    start: Tensor,
    bounds: Sequence[tuple[float, float]],
    *,
    tolerance: float,
    iterations: int,
) -> tuple[Tensor, Tensor]:
    """Minimize B functions of P variables, each by its own L-BFGS-B.

    Every evaluation covers all B functions. Functions whose minimization has ended are evaluated at their last point, and their values are
    dropped. So the shape of the batch, and with it the rounding of a function's value, does not depend on when the others end.

    Args:
        function: (B, P) points -> (B,) values; row b depends on row b only.
        start: (B, P) first points.
        bounds: (lower, upper) of each of the P variables; infinite if there is none.
        tolerance: relative change of a value at which its minimization ends.
        iterations: maximum number of iterations of each.

    Returns:
        (B, P) points and (B,) values; not finite where a minimization failed.
    """
    last = start.detach().numpy().copy()

    def values_and_gradients(rows: npt.NDArray[np.float64], batch_indices: list[int]) -> tuple[object, object]:
        last[batch_indices] = rows
        points = torch.from_numpy(last).clone().requires_grad_()
        values = function(points)
        (gradients,) = torch.autograd.grad(values.sum(), points)
        return values.detach().numpy()[batch_indices], gradients.numpy()[batch_indices]

    fmin: Any = fmin_l_bfgs_b_batched  # has no annotations
    limits = {"ftol": tolerance, "factr": None, "maxiter": iterations}
    points, values, _ = fmin(values_and_gradients, last.copy(), bounds=bounds, pass_batch_indices=True, **limits)
    return torch.from_numpy(points), torch.from_numpy(values)
