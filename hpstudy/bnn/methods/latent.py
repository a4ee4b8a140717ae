"""Pieces that methods with real (latent) weights have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def library_step(
    w: torch.Tensor,
    m: torch.Tensor,
    grad: torch.Tensor,
    *,
    step: float | torch.Tensor,
    momentum_rate: float | torch.Tensor,
    weight_decay: float | torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """One update of SGD as deep-learning libraries write it: momentum without damping, coupled weight decay.

        m_i = (1 - momentum_rate) m_{i-1} + G_i + weight_decay w_{i-1}
        w_i = w_{i-1} - step m_i

    Args:
        w: weights, (*stack, filters, fan_in); overwritten.
        m: momentum, shape of w; overwritten.
        grad: G, shape of w.
        step: learning rate after its schedule; a tensor broadcasts against w.
        momentum_rate: 1 - momentum.
        weight_decay: pull towards 0.

    Returns:
        (w, m) after the update.
    """
    m = m.mul_(1 - momentum_rate).add_(grad).add_(w * weight_decay)
    return w.sub_(m * step), m


def scaled_signs(theta: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """s_c theta, s_c the mean abs(w) of a filter; s_c = 1 for a filter whose w are all 0, as a scale of 0 would silence it permanently.

    Args:
        theta: binary weights, (*stack, filters, fan_in).
        w: latent weights, same shape.
    """
    scale = w.abs().mean(-1, keepdim=True)
    return theta * scale.masked_fill_(scale == 0, 1.0)


def he_deviation(noise: torch.Tensor) -> float:
    """sqrt(2 / fan_in), the standard deviation of He et al. (2015), of a layer of shape (*stack, filters, fan_in)."""
    return float((2 / noise.shape[-1]) ** 0.5)
