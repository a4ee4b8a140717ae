"""Activations before binary layers: the sign in the forward pass, a surrogate derivative in the backward pass.

| name | forward | d/dx | used by |
|---|---|---|---|
| approx_sign | sign(x) | max(0, 2 - 2 abs(x)) | Bi-Real Net (Liu et al., 2018), ReActNet, the paper |
| ste_clip | sign(x) | 1 where abs(x) <= 1, else 0 | BinaryNet (Courbariaux et al., 2016), Bop |
| ede | sign(x) | k t (1 - tanh^2(t x)) | IR-Net (Qin et al., 2020) |
| rbnn | sign(z) | max(0, sqrt(2) t' - t'^2 abs(z)) dz/dx, z = x standardized per sample, t' = max(t, 1) | RBNN (Lin et al., 2020) |
| ovsw | sign(x) | max(0, 2 - 2 abs(x)/s)/s, s = deviation of x per sample, a constant | OvSW (Xiang et al., 2024) |
| recu | sign(x) | that of max(0, 2 - 2 abs(z)), z = x/s, through z's deviation s per sample too | ReCU (Xu et al., 2021) |
| hardtanh | x clipped to [-1, 1] | 1 inside | real-valued reference |
| relu | max(0, x) | 1 where x > 0 | real-valued reference |

The temperature t increases during training, t = t_min (t_max / t_min)^(e/E), and k = max(1/t, 1). sign(0) is +1; torch.sign cannot be
used, because its value 0 at 0 is a third activation value.

References: Bi-Real Net https://arxiv.org/abs/1808.00278, ReActNet https://arxiv.org/abs/2003.03488,
BinaryNet https://arxiv.org/abs/1602.02830, Bop https://arxiv.org/abs/1906.02107, IR-Net https://arxiv.org/abs/1909.10788,
RBNN https://arxiv.org/abs/2009.13055, OvSW https://arxiv.org/abs/2407.05257, ReCU https://arxiv.org/abs/2103.12369.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from hpstudy.bnn.schedules import Clock, temperature
from hpstudy.bnn.settings import Surrogate

Apply: TypeAlias = Callable[[Tensor, float, bool], Tensor]
"""(x, temperature t, whether in training mode) -> activation, in the shape of x."""

Slope: TypeAlias = Callable[[Tensor], Tensor]
"""x -> surrogate derivative of the sign at x, in the shape of x."""

TEMPERATURES = {"ede": (1e-3, 10.0), "rbnn": (1e-2, 10.0)}
"""Published t_min and t_max of the activations with a temperature."""

VARIANCE_FLOOR = 1e-10
"""Added to a variance per sample, to avoid a division by zero for a constant sample."""

RECU_VARIANCE_FLOOR = 1e-5
"""The same in ReCU's code."""

POINTWISE = frozenset({"approx_sign", "ste_clip", "hardtanh", "relu"})
"""Elementwise activations without a temperature."""


def signs(x: Tensor) -> Tensor:
    """Return +1 where x >= 0 and -1 elsewhere (also for NaN), in the shape and type of x."""
    # Comparing into a float tensor is 20 times faster on a CPU than torch.where. This function takes a tenth of the training time.
    return torch.ge(x, 0, out=torch.empty_like(x)).mul_(2).sub_(1)


class _SurrogateSign(torch.autograd.Function):
    """sign(x) in the forward pass. In the backward pass its derivative is the surrogate `slope` of x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Slope) -> Tensor:
        ctx.save_for_backward(x)
        ctx.slope = slope
        return signs(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return ctx.slope(x).mul_(grad), None


def surrogate_sign(x: Tensor, slope: Slope) -> Tensor:
    """Return sign(x), whose derivative in the backward pass is `slope` of x."""
    return _SurrogateSign.apply(x, slope)  # type: ignore[no-any-return, no-untyped-call]  # untyped in torch


def approximate_slope(x: Tensor) -> Tensor:
    """Return max(0, 2 - 2 abs(x)), the derivative of the piecewise quadratic function of Bi-Real Net."""
    return x.abs().mul_(-2).add_(2).clamp_(min=0)


def clipped_slope(x: Tensor) -> Tensor:
    """Return 1 where abs(x) <= 1 and 0 elsewhere, the derivative of the straight-through estimator."""
    return x.abs().le_(1)


def error_decay_slope(x: Tensor, t: float) -> Tensor:
    """Return k t (1 - tanh^2(t x)) with k = max(1/t, 1), the error decay estimator of IR-Net."""
    return (x * t).tanh_().square_().neg_().add_(1).mul_(max(1.0, t))


def training_aware_slope(x: Tensor, t: float) -> Tensor:
    """Return max(0, sqrt(2) t - t^2 abs(x)), the training-aware approximation of RBNN without its factor k."""
    return x.abs().mul_(-t * t).add_(2**0.5 * t).clamp_(min=0)


class BinaryActivation(nn.Module):
    """An activation of the table above. Its surrogate derivative can become sharper from epoch to epoch.

    It has no parameters, so that one object can be used in all layers of a network.

    Args:
        surrogate: its name, and its temperatures at the start and the end.
    """

    def __init__(self, surrogate: Surrogate) -> None:
        super().__init__()
        t_min, t_max = TEMPERATURES.get(surrogate.name, (1.0, 1.0))
        self.name = surrogate.name
        self.t_min = t_min if surrogate.t_min is None else surrogate.t_min
        self.t_max = t_max if surrogate.t_max is None else surrogate.t_max
        self.t = self.t_min
        self._apply_to = ACTIVATIONS[surrogate.name]

    def start_epoch(self, clock: Clock) -> None:
        """Set the temperature of an epoch."""
        self.t = temperature(clock, self.t_min, self.t_max)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the activation, elementwise or per sample. x: (batch, ...); returns the same shape."""
        return self._apply_to(x, self.t, self.training)

    def extra_repr(self) -> str:
        """Return the name, for the printed network."""
        return self.name


def _standardized_sign(x: Tensor, t: float, _training: bool) -> Tensor:
    """RBNN: the sign of x, standardized per sample. The gradient passes through mean and variance."""
    inner = tuple(range(1, x.dim()))
    variance, mean = torch.var_mean(x, inner, keepdim=True)
    z = (x - mean) * (variance + VARIANCE_FLOOR).rsqrt()
    return surrogate_sign(z, partial(training_aware_slope, t=max(t, 1.0)))


def _scaled_sign(x: Tensor, _t: float, training: bool) -> Tensor:
    """OvSW: the sign of x, divided by its deviation per sample, which is a constant for the gradient."""
    if not training:
        return signs(x)
    variance = x.detach().var(tuple(range(1, x.dim())), keepdim=True)
    return surrogate_sign(x * (variance + VARIANCE_FLOOR).rsqrt(), approximate_slope)


def _normalized_sign(x: Tensor, _t: float, training: bool) -> Tensor:
    """ReCU: the sign of x, divided by its deviation per sample. The gradient passes through the deviation."""
    if not training:
        return signs(x)
    variance = x.var(tuple(range(1, x.dim())), keepdim=True)
    return surrogate_sign(x * (variance + RECU_VARIANCE_FLOOR).rsqrt(), approximate_slope)


ACTIVATIONS: dict[str, Apply] = {
    "approx_sign": lambda x, *_: surrogate_sign(x, approximate_slope),
    "ste_clip": lambda x, *_: surrogate_sign(x, clipped_slope),
    "ede": lambda x, t, _: surrogate_sign(x, partial(error_decay_slope, t=t)),
    "rbnn": _standardized_sign,
    "ovsw": _scaled_sign,
    "recu": _normalized_sign,
    "hardtanh": lambda x, *_: functional.hardtanh(x),
    "relu": lambda x, *_: functional.relu(x),
}
"""Activations by name. `hpstudy.bnn.settings.Activation` has the same names."""
