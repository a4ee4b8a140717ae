"""Standardization of latent weights per filter, and its gradient (IR-Net, RBNN, ReCU)."""

from __future__ import annotations

from hpstudy.bnn.methods.interface import Tensor


def standardize(w: Tensor) -> tuple[Tensor, Tensor]:
    """Standardize weights to mean 0 and deviation 1 per filter: z = (w - mean) / deviation.

    A filter whose weights are all equal has z = 0 and gets the deviation 1, to avoid a division by 0.

    Args:
        w: (*stack, filters, fan_in).

    Returns:
        z, of the same shape, and the standard deviation with the divisor fan_in - 1, (*stack, filters, 1).
    """
    centered = w - w.mean(-1, keepdim=True)
    # The norm is 10 times faster on a CPU than torch.std.
    deviation = centered.norm(dim=-1, keepdim=True).div_(max(w.shape[-1] - 1, 1) ** 0.5)
    deviation = deviation.masked_fill_(deviation == 0, 1.0)
    return centered.div_(deviation), deviation


def standardize_backward(grad: Tensor, z: Tensor, deviation: Tensor) -> Tensor:
    """Compute dL/dw from dL/dz: (grad - mean(grad) - z sum(grad z) / (fan_in - 1)) / deviation, per filter.

    It is orthogonal to the centered w and to constants. To first order, a step along it changes neither deviation nor mean of a filter.

    Args:
        grad: dL/dz, (*stack, filters, fan_in); not overwritten.
        z: result of `standardize`.
        deviation: result of `standardize`.
    """
    along = (grad * z).sum(-1, keepdim=True) / max(z.shape[-1] - 1, 1)
    return (grad - grad.mean(-1, keepdim=True)).sub_(z * along).div_(deviation)
