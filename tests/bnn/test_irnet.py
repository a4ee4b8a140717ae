import math

import pytest
import torch

from hpstudy.bnn.methods.irnet import IRNet, error_decay
from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import Surrogate
from hpstudy.testing.methods import normal

SHAPE = (5, 12)
HE = math.sqrt(2 / 12)


def started(noise, **values):
    """Hyperparameters without decay and momentum but for `values`, and the state before the first update."""
    hp = IRNet.Hyperparameters(**{"weight_decay": 0.0, "momentum_rate": 1.0, **values})
    return hp, IRNet().init(noise, hp, torch.Generator())


@pytest.mark.parametrize("epoch", [0, 50, 99])
def test_one_update_follows_the_gradient_that_autograd_finds(epoch):
    noise, grad = normal(*SHAPE, seed=0), normal(*SHAPE, seed=1)
    hp, state = started(noise, learning_rate=0.01, learning_rate_decay="none")
    w = (noise * HE).requires_grad_()
    z = (w - w.mean(-1, keepdim=True)) / w.std(-1, keepdim=True)
    scale = 2 ** z.abs().mean(-1, keepdim=True).log2().round().detach()
    t = 1e-3 * 1e4 ** (epoch / 100)
    (grad * scale * max(1 / t, 1) * torch.tanh(t * z)).sum().backward()
    after = IRNet().update(state, grad, hp, Clock(epoch, 100, epoch, 100))["w"]
    torch.testing.assert_close(after, w.detach() - 0.01 * w.grad, rtol=1e-10, atol=1e-12)


def test_momentum_and_weight_decay_are_those_of_libraries():
    noise, grads = normal(*SHAPE, seed=0), normal(3, *SHAPE, seed=1)
    hp, state = started(noise, learning_rate=0.01, learning_rate_decay="none", momentum_rate=0.2, weight_decay=0.1)
    w = torch.nn.Parameter(noise * HE)
    library = torch.optim.SGD([w], lr=0.01, momentum=0.8, weight_decay=0.1)
    for grad in grads:
        library.zero_grad()
        z = (w - w.mean(-1, keepdim=True)) / w.std(-1, keepdim=True)
        (grad * 2 ** z.abs().mean(-1, keepdim=True).log2().round().detach() * 1e3 * torch.tanh(1e-3 * z)).sum().backward()
        library.step()
        state = IRNet().update(state, grad, hp, Clock(0, 100, 0, 100))
    torch.testing.assert_close(state["w"], w.detach(), rtol=1e-10, atol=1e-12)


def test_the_surrogate_is_the_identity_at_the_start_and_a_peak_of_height_t_at_the_end():
    z = torch.tensor([[0.0, 0.1, -1.0, 3.0]], dtype=torch.float64)
    torch.testing.assert_close(error_decay(z, 1e-3), torch.ones_like(z), rtol=0, atol=1e-5)
    expected = [10 / math.cosh(10 * x) ** 2 for x in z[0].tolist()]
    torch.testing.assert_close(error_decay(z, 10.0), torch.tensor([expected], dtype=torch.float64), rtol=1e-6, atol=1e-12)


def test_the_weight_in_use_is_scaled_by_the_nearest_power_of_two():
    even = torch.tensor([[1.0, -1.0, 1.0, -1.0]])  # mean |z| = sqrt(3)/2
    peaked = torch.zeros(1, 100)
    peaked[0, :2] = torch.tensor([1.0, -1.0])  # mean |z| = 2 sqrt(99/2) / 100 = 0.141, log2 = -2.83
    for noise, power in ((even, 1.0), (peaked, 0.125)):
        hp, state = started(noise)
        weight = IRNet().weight(state, hp, Clock(0, 1, 0, 1))
        assert weight.abs().unique().tolist() == [power]


def test_a_filter_of_equal_weights_keeps_its_signs_and_is_not_silenced():
    hp, state = started(torch.full((2, 4), 0.5))
    state = IRNet().update(state, torch.zeros(2, 4), hp, Clock(0, 1, 0, 1))
    assert IRNet().weight(state, hp, Clock(0, 1, 0, 1)).eq(1).all()


def test_the_first_signs_are_those_of_the_noise_without_its_mean():
    _, state = started(torch.tensor([[1.0, 2.0, 6.0]]))
    assert state["theta"].tolist() == [[-1.0, -1.0, 1.0]]


def test_the_scale_of_the_latent_weights_is_redundant():
    noise, grads = normal(*SHAPE, seed=0), normal(20, *SHAPE, seed=1)
    ends = []
    for s in (1.0, 7.0):
        hp, state = started(noise, init_scale=0.1 * s, learning_rate=0.01 * s**2, weight_decay=0.1 / s**2, momentum_rate=0.2)
        for number, grad in enumerate(grads):
            state = IRNet().update(state, grad, hp, Clock(number, 20, number, 20))
        ends.append(state["z"])
    torch.testing.assert_close(*ends, rtol=1e-9, atol=1e-9)
    assert not torch.equal(ends[0].sign(), started(noise)[1]["theta"])


def test_the_activations_sharpen_with_the_weights_unless_they_are_the_tasks():
    assert IRNet().activation(IRNet.Hyperparameters(t_min=0.1)) == Surrogate("ede", 0.1, 10.0)
    assert IRNet().activation(IRNet.Hyperparameters(own_activation=False)) is None


def test_a_temperature_that_falls_is_refused():
    with pytest.raises(ValueError, match=r"t_min \(2\) is above t_max \(1\)"):
        IRNet.Hyperparameters(t_min=2.0, t_max=1.0)
