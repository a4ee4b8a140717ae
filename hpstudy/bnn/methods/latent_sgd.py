"""Latent weights under SGD with momentum and weight decay.

Quist, Li and van Gemert, ICLR 2023, Eq. 1-5. https://arxiv.org/abs/2303.02452
"""

from __future__ import annotations

from typing import Literal

from hpstudy.bnn.methods.interface import Generator, Hyperparameters, Method, State, Tensor, follow, hyperparameter, initial_signs
from hpstudy.bnn.methods.latent import library_step, scaled_signs
from hpstudy.bnn.schedules import Clock, Decay, Per


class LatentSGDHyperparameters(Hyperparameters):
    """7 hyperparameters (Table 1, upper row), all but momentum based on magnitudes, and two conventions."""

    learning_rate: float = hyperparameter(0.1, "step size epsilon of the latent weights", magnitude_based=True, gt=0)
    learning_rate_decay: Decay = hyperparameter("cosine", "schedule of the learning rate", magnitude_based=True)
    init_scale: float = hyperparameter(
        0.1, "standard deviation of the normal initial latent weights w_0; 0 starts them at 0", magnitude_based=True, ge=0
    )
    gamma: float = hyperparameter(0.1, "rate of the momentum filter: 1 - momentum", gt=0, le=1)
    weight_decay: float = hyperparameter(1e-4, "weight decay lambda", magnitude_based=True, ge=0)
    scaling: bool = hyperparameter(
        True, "multiply the signs of every filter by its mean absolute latent weight", magnitude_based=True
    )
    clipping: Literal["none", "gradient", "weight"] = hyperparameter(
        "gradient", "gradient: 0 where abs(w) > 1; weight: clamp w to [-1, 1] after every update", magnitude_based=True
    )
    convention: Literal["paper", "library"] = hyperparameter(
        "paper", "paper: Eq. 2-3; library: SGD in the convention of deep-learning libraries"
    )
    decay_per: Per = hyperparameter("epoch", "how often the schedule is updated")


class LatentSGD(Method[LatentSGDHyperparameters]):
    """SGD on real weights w, whose signs the network uses.

        convention "paper":    m_i = (1 - gamma) m_{i-1} + gamma G_i                          (2)
                               w_i = w_{i-1} - epsilon_i (m_i + lambda w_{i-1})               (3)
        convention "library":  b_i = (1 - gamma) b_{i-1} + G_i + lambda w_{i-1}
                               w_i = w_{i-1} - epsilon_i b_i
        theta_i = sign(w_i)                                                                   (4)

    The conventions are different filters of the gradient. The paper's has the rates alpha = epsilon lambda and gamma. The rates of the
    libraries' convention solve (1 - alpha)(1 - gamma') = 1 - gamma and alpha gamma' = epsilon lambda (`library_rates`), so that its slow
    filter is about 1/gamma times faster with the same settings.

    G is the gradient with respect to the layer's weight. With `scaling` this weight is s_c theta, where s_c is the filter's mean abs(w),
    treated as a constant. G is not multiplied by s_c (as in the code of Bi-Real Net and ReActNet). If batch normalization follows, G is
    proportional to 1/s_c.

    State: theta; w, latent weight; m, momentum (b in the libraries' convention).

    >>> LatentSGD().example(learning_rate=1.0, scaling=False)["theta"]
    tensor([[-1., -1.,  1.,  1.]])
    """

    def init(self, noise: Tensor, hp: LatentSGDHyperparameters, generator: Generator) -> State:
        """Start with w_0 = init_scale noise, and the signs of the noise even if init_scale is 0."""
        return {"theta": initial_signs(noise), "w": noise * hp.init_scale, "m": noise.new_zeros(noise.shape)}

    def update(self, state: State, grad: Tensor, hp: LatentSGDHyperparameters, clock: Clock) -> State:
        """Apply Eq. 2-4."""
        w, m = state["w"], state["m"]
        epsilon = hp.learning_rate * clock.factor(hp.learning_rate_decay, hp.decay_per)
        if hp.clipping == "gradient":
            grad = grad * (w.abs() <= 1)
        if hp.convention == "paper":
            m = m.lerp_(grad, hp.gamma)
            w = w.mul_(1 - epsilon * hp.weight_decay).sub_(m * epsilon)
        else:
            w, m = library_step(w, m, grad, step=epsilon, momentum_rate=hp.gamma, weight_decay=hp.weight_decay)
        if hp.clipping == "weight":
            w = w.clamp_(-1, 1)
        return {"theta": follow(state["theta"], w), "w": w, "m": m}

    def weight(self, state: State, hp: LatentSGDHyperparameters, clock: Clock) -> Tensor:
        """Return theta, or s_c theta with `scaling`. See `hpstudy.bnn.methods.latent.scaled_signs`."""
        return scaled_signs(state["theta"], state["w"]) if hp.scaling else state["theta"]


def library_rates(epsilon: float, momentum: float, weight_decay: float) -> tuple[float, float] | None:
    """Return the filter (alpha, gamma) that is equivalent to library SGD without scaling and clipping and with w_0 = 0.

    1 - alpha and 1 - gamma are the roots of z^2 - (1 + mu - epsilon lambda) z + mu = 0. If epsilon lambda exceeds (1 - sqrt(mu))^2, the
    roots are complex: the filter oscillates, and no (alpha, gamma) is equivalent.

    Returns:
        (alpha, gamma) with alpha <= gamma, or None if the roots are complex.

    >>> alpha, gamma = library_rates(0.1, 0.9, 1e-4)
    >>> f"{alpha:.4e} {gamma:.4f}"
    '1.0009e-04 0.0999'
    """
    b = 1 + momentum - epsilon * weight_decay
    discriminant = b * b - 4 * momentum
    if discriminant < 0:
        return None
    root = discriminant**0.5
    return 1 - (b + root) / 2, 1 - (b - root) / 2
