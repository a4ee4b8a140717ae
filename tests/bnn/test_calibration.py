import copy

import pytest
import torch
from torch import nn

from hpstudy.bnn.calibration import recalibrate

BATCHES, SIZE, FEATURES = 5, 16, 4


def network():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(FEATURES, 3), nn.BatchNorm1d(3, momentum=0.3), nn.Tanh(), nn.Linear(3, 2), nn.BatchNorm1d(2))
    for norm in (net[1], net[4]):
        norm.running_mean.uniform_(-5, 5)
        norm.running_var.uniform_(1, 5)
        norm.num_batches_tracked.fill_(1000)
    return net.double()


def batches(count=BATCHES, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return list(3 + 2 * torch.randn(count, SIZE, FEATURES, generator=generator, dtype=torch.float64))


def normalized(x, norm):
    return (x - x.mean(0)) / (x.var(0, correction=0) + norm.eps).sqrt() * norm.weight + norm.bias


def test_running_statistics_are_the_means_of_those_of_the_batches():
    net = network()
    first = [net[0](x) for x in batches()]
    second = [net[3](torch.tanh(normalized(x, net[1]))) for x in first]
    recalibrate(net, batches())
    for norm, inputs in ((net[1], first), (net[4], second)):
        torch.testing.assert_close(norm.running_mean, torch.stack([x.mean(0) for x in inputs]).mean(0))
        torch.testing.assert_close(norm.running_var, torch.stack([x.var(0) for x in inputs]).mean(0))


def test_one_batch_leaves_no_trace_of_the_statistics_before():
    net, (x,) = network(), batches(1)
    recalibrate(net, [x])
    torch.testing.assert_close(net[1].running_mean, net[0](x).mean(0))
    torch.testing.assert_close(net[1].running_var, net[0](x).var(0))


def test_images_are_averaged_over_batch_height_and_width():
    norm = nn.BatchNorm2d(3)
    images = [torch.rand(4, 3, 5, 6) for _ in range(3)]
    recalibrate(norm, images)
    torch.testing.assert_close(norm.running_mean, torch.stack([x.mean((0, 2, 3)) for x in images]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([x.var((0, 2, 3)) for x in images]).mean(0))


def test_no_parameter_changes_and_none_gets_a_gradient():
    net = network()
    before = copy.deepcopy(net)
    recalibrate(net, batches())
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), before.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in net.parameters())


def test_the_momentum_of_the_running_statistics_is_as_before():
    net = network()
    recalibrate(net, batches())
    assert (net[1].momentum, net[4].momentum) == (0.3, 0.1)


def test_the_next_training_batch_moves_the_statistics_by_the_momentum():
    net, (x,) = network(), batches(1, seed=2)
    recalibrate(net, batches())
    expected = 0.7 * net[1].running_mean + 0.3 * net[0](x).mean(0)
    net.train()(x)
    torch.testing.assert_close(net[1].running_mean, expected)


def test_training_goes_on_as_without_it():
    def trained(*, calibrated):
        net = network()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for x in batches(6, seed=3):
            net.train()
            net(x).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            if calibrated:
                recalibrate(net, batches())
        return list(net.parameters())

    assert all(torch.equal(a, b) for a, b in zip(trained(calibrated=True), trained(calibrated=False), strict=True))


@pytest.mark.parametrize("training", [True, False])
def test_a_network_in_evaluation_is_measured_too(training):
    net = network().train(training)
    recalibrate(net, batches())
    torch.testing.assert_close(net[1].running_mean, torch.stack([net[0](x).mean(0) for x in batches()]).mean(0))


def test_the_same_batches_give_the_same_statistics_whatever_was_there():
    a, b = network(), network()
    b[4].running_mean.fill_(7)
    for net in (a, b, b):
        recalibrate(net, batches())
    assert torch.equal(a[4].running_mean, b[4].running_mean)
    assert torch.equal(a[4].running_var, b[4].running_var)
