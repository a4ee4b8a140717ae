"""Figure 7: latent weights and gradient filter in closed loop, where the signs feed the gradients."""

import statistics

import pytest
import torch

from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.bnn.train import train
from tests.support.networks import SETTINGS, ignore, make_data, make_network, record

EPSILON, LAMBDA = 0.1, 0.1
LATENT = LatentSGD.Hyperparameters(learning_rate=EPSILON, weight_decay=LAMBDA, init_scale=0.0, scaling=False, clipping="none")
FILTER = Filter.Hyperparameters(alpha=EPSILON * LAMBDA)
SEEDS = range(8)


def test_both_views_train_the_same_binary_weights_bit_for_bit_in_double_precision():
    (a, _), (b, _) = record(LatentSGD(), LATENT), record(Filter(), FILTER)
    for layer in a.thetas:
        assert torch.equal(torch.stack(a.thetas[layer]), torch.stack(b.thetas[layer]))


@pytest.fixture(scope="module")
def runs():
    """Final metrics by view, for several seeds, in single precision, where rounding sends the two apart."""

    def finals(method, hp):
        return [train(make_network(), method, hp, make_data(), SETTINGS, seed=seed, report=ignore) for seed in SEEDS]

    return {
        "latent": finals(LatentSGD(), LATENT),
        "filter": finals(Filter(), FILTER),
        "slower": finals(Filter(), Filter.Hyperparameters(alpha=EPSILON * LAMBDA / 10)),
    }


def difference(runs, metric, other):
    """|mean difference| of paired seeds, and its standard error."""
    pairs = [a[metric] - b[metric] for a, b in zip(runs["latent"], runs[other], strict=True)]
    return abs(statistics.mean(pairs)), statistics.stdev(pairs) / len(pairs) ** 0.5


@pytest.mark.parametrize("metric", ["flip_ratio", "val_accuracy", "never_flipped"])
def test_both_views_agree_in_distribution_in_single_precision(runs, metric):
    mean, error = difference(runs, metric, "filter")
    assert mean <= 3 * error or mean < 1e-6


def test_a_filter_of_another_alpha_does_not_agree(runs):
    mean, error = difference(runs, "never_flipped", "slower")
    assert mean > 5 * error
