import pytest
import torch

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.layers import binary_weights, real_parameters
from hpstudy.bnn.networks.mlp import BinaryMLP
from hpstudy.bnn.optimizers import real_optimizer
from hpstudy.bnn.settings import RealOptimizer, Surrogate
from tests.support.networks import CLASSES, FEATURES, make_data, make_network


def test_the_first_of_four_layers_is_the_only_real_one():
    network = BinaryMLP(640, [512, 512, 512], 10, BinaryActivation(Surrogate("approx_sign")), torch.Generator())
    assert sum(w.numel() for w in binary_weights(network)) == 529_408
    assert network.first.weight.numel() == 640 * 512


def test_binary_layers_see_signs_only():
    network, seen = make_network(), []
    for layer in network.layers:
        layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network(make_data().train.x)
    assert len(seen) == 3
    assert all(bool((x.abs() == 1).all()) for x in seen)


def test_normalization_of_the_logits_makes_the_scale_of_the_last_layer_irrelevant():
    network = make_network(dtype=torch.float64)
    network.norms[-1].eps = 1e-30
    x = make_data(dtype=torch.float64).train.x
    before = network(x)
    with torch.no_grad():
        network.layers[-1].weight.mul_(0.01)
    torch.testing.assert_close(network(x), before)


def test_a_network_turns_clips_into_one_logit_per_class():
    assert make_network()(torch.zeros(7, FEATURES)).shape == (7, CLASSES)


def test_the_generator_alone_decides_the_initial_real_weights():
    torch.manual_seed(1)
    first = make_network(seed=4).first.weight
    torch.manual_seed(2)
    assert torch.equal(first, make_network(seed=4).first.weight)
    assert not torch.equal(first, make_network(seed=5).first.weight)


def test_every_parameter_is_binary_decaying_or_of_a_normalization():
    network = make_network()
    groups = [*binary_weights(network), *(p for group in real_parameters(network) for p in group)]
    assert sorted(map(id, groups)) == sorted(map(id, network.parameters()))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_parameters_of_a_normalization_do_not_decay(name):
    network = make_network()
    decays = [group["weight_decay"] for group in real_optimizer(network, RealOptimizer(name=name, weight_decay=0.1)).param_groups]
    assert decays == [0.1, 0.0]
    assert [len(group) for group in real_parameters(network)] == [1, 8]


def test_the_momentum_of_the_settings_is_that_of_sgd_and_the_first_beta_of_adam():
    sgd, adam = (real_optimizer(make_network(), RealOptimizer(name=name, momentum=0.5)) for name in ("sgd", "adam"))
    assert [group["momentum"] for group in sgd.param_groups] == [0.5, 0.5]
    assert [group["betas"] for group in adam.param_groups] == [(0.5, 0.999)] * 2
