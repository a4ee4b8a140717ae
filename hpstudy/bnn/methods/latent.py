"""Functions shared by methods with latent (real-valued) weights."""

from __future__ import annotations

from typing import Any

from hpstudy.bnn.methods.interface import Tensor, hyperparameter


def library_step(
    w: Tensor, m: Tensor, grad: Tensor, *, step: float | Tensor, momentum_rate: float | Tensor, weight_decay: float | Tensor
) -> tuple[Tensor, Tensor]:
    """Apply one update of SGD in the convention of deep-learning libraries: momentum without damping, coupled weight decay.

        m_i = (1 - momentum_rate) m_{i-1} + G_i + weight_decay w_{i-1}
        w_i = w_{i-1} - step m_i

    Args:
        w: weights, (*stack, filters, fan_in); overwritten.
        m: momentum, shape of w; overwritten.
        grad: G, shape of w.
        step: learning rate times the factor of its schedule; a tensor broadcasts against w.
        momentum_rate: 1 - momentum.
        weight_decay: coefficient of the weight decay.

    Returns:
        (w, m) after the update.
    """
    m = m.mul_(1 - momentum_rate).add_(grad).add_(w * weight_decay)
    return w.sub_(m * step), m


def scaled_signs(theta: Tensor, w: Tensor) -> Tensor:
    """Return s_c theta, where s_c is the mean abs(w) of a filter. A filter whose w are all 0 gets s_c = 1: 0 would disable it permanently.

    Args:
        theta: binary weights, (*stack, filters, fan_in).
        w: latent weights, same shape.
    """
    scale = w.abs().mean(-1, keepdim=True)
    return theta * scale.masked_fill_(scale == 0, 1.0)


def he_scale(*, gt: float | None = None, ge: float | None = None) -> Any:
    """Declare the hyperparameter init_scale of methods whose initial latent weights have a multiple of He's deviation."""
    description = "deviation of the normal initial latent weights, as a multiple of sqrt(2 / fan_in)"
    return hyperparameter(1.0, description, magnitude_based=True, gt=gt, ge=ge)


def he_deviation(noise: Tensor) -> float:
    """Return sqrt(2 / fan_in) for a layer of shape (*stack, filters, fan_in) (He et al., 2015, https://arxiv.org/abs/1502.01852)."""
    return float((2 / noise.shape[-1]) ** 0.5)
