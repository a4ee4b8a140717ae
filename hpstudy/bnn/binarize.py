"""Activations before binary layers: the sign in the forward pass, a surrogate derivative in the backward pass.

| name | forward | d/dx | used by |
|---|---|---|---|
| approx_sign | sign(x) | max(0, 2 - 2 abs(x)) | Bi-Real Net (Liu et al., 2018), ReActNet, the paper |
| ste_clip | sign(x) | 1 where abs(x) <= 1, else 0 | BinaryNet (Hubara et al., 2016), Bop |
| ede | sign(x) | k t (1 - tanh^2(t x)) | IR-Net (Qin et al., 2020) |
| rbnn | sign(z) | max(0, sqrt(2) t' - t'^2 abs(z)) dz/dx, z = x standardised per sample, t' = max(t, 1) | RBNN (Lin et al., 2020) |
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

import torch
from torch import Tensor, nn
from torch.nn import functional

from hpstudy.bnn.schedules import Clock, temperature
from hpstudy.bnn.settings import Surrogate

Apply = Callable[[Tensor, float, bool], Tensor]
"""(x, temperature t, whether in training mode) -> activation, in the shape of x."""

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


class _Sign(torch.autograd.Function):
    """sign(x). Subclasses define the surrogate derivative."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return signs(x)


class ApproxSign(_Sign):
    """sign(x) with the derivative of the piecewise quadratic function of Bi-Real Net."""

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> Tensor:  # noqa: D102
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return x.abs().mul_(-2).add_(2).clamp_(min=0).mul_(grad)  # type: ignore[no-any-return]


class ClippedSign(_Sign):
    """sign(x) with the derivative of the identity clipped to [-1, 1]: the straight-through estimator."""

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> Tensor:  # noqa: D102
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return grad * (x.abs() <= 1)  # type: ignore[no-any-return]


class _TemperedSign(torch.autograd.Function):
    """sign(x) with a surrogate derivative of temperature t."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, t: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.t = t  # type: ignore[attr-defined]
        return signs(x)


class ErrorDecaySign(_TemperedSign):
    """sign(x) with the error decay estimator of IR-Net, the derivative of k tanh(t x)."""

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> tuple[Tensor, None]:  # noqa: D102
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        t: float = ctx.t  # type: ignore[attr-defined]
        return ede_factor(x, t).mul_(grad), None


class TrainingAwareSign(_TemperedSign):
    """sign(x) with the derivative of the training-aware approximation of RBNN, without its factor k."""

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> tuple[Tensor, None]:  # noqa: D102
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        t: float = ctx.t  # type: ignore[attr-defined]
        return x.abs().mul_(-t * t).add_(2**0.5 * t).clamp_(min=0).mul_(grad), None


def ede_factor(x: Tensor, t: float) -> Tensor:
    """Return k t (1 - tanh^2(t x)) with k = max(1/t, 1), IR-Net's error decay estimator, in the shape of x."""
    return (x * t).tanh_().square_().neg_().add_(1).mul_(max(1.0, t))


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


def _applied(function: type[torch.autograd.Function], *arguments: Tensor | float) -> Tensor:
    """Call `function.apply`, which has no type annotations in torch."""
    return function.apply(*arguments)  # type: ignore[no-any-return, no-untyped-call]


def _standardised_sign(x: Tensor, t: float, _training: bool) -> Tensor:
    """RBNN: the sign of x, standardised per sample. The gradient passes through mean and variance."""
    inner = tuple(range(1, x.dim()))
    variance, mean = torch.var_mean(x, inner, keepdim=True)
    z = (x - mean) * (variance + VARIANCE_FLOOR).rsqrt()
    return _applied(TrainingAwareSign, z, max(t, 1.0))


def _scaled_sign(x: Tensor, _t: float, training: bool) -> Tensor:
    """OvSW: the sign of x, divided by its deviation per sample, which is a constant for the gradient."""
    if not training:
        return signs(x)
    variance = x.detach().var(tuple(range(1, x.dim())), keepdim=True)
    return _applied(ApproxSign, x * (variance + VARIANCE_FLOOR).rsqrt())


def _normalised_sign(x: Tensor, _t: float, training: bool) -> Tensor:
    """ReCU: the sign of x, divided by its deviation per sample. The gradient passes through the deviation."""
    if not training:
        return signs(x)
    variance = x.var(tuple(range(1, x.dim())), keepdim=True)
    return _applied(ApproxSign, x * (variance + RECU_VARIANCE_FLOOR).rsqrt())


ACTIVATIONS: dict[str, Apply] = {
    "approx_sign": lambda x, *_: _applied(ApproxSign, x),
    "ste_clip": lambda x, *_: _applied(ClippedSign, x),
    "ede": lambda x, t, _: _applied(ErrorDecaySign, x, t),
    "rbnn": _standardised_sign,
    "ovsw": _scaled_sign,
    "recu": _normalised_sign,
    "hardtanh": lambda x, *_: functional.hardtanh(x),
    "relu": lambda x, *_: functional.relu(x),
}
"""Activations by name. `hpstudy.bnn.settings.Activation` has the same names."""
