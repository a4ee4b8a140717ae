import warnings

import numpy as np
import pytest
import torch

from hpstudy.search.likelihood import LogNormal, Loss

N, D = 12, 3


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    y = generator.standard_normal(N)
    return generator.random((N, D)), (y - y.mean()) / y.std(ddof=1)


@pytest.fixture(scope="module")
def mll(data):
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        from botorch.models import SingleTaskGP
        from gpytorch.mlls import ExactMarginalLogLikelihood
    x, y = (torch.from_numpy(array) for array in data)
    model = SingleTaskGP(x, y[:, None], outcome_transform=None)
    return ExactMarginalLogLikelihood(model.likelihood, model)


@pytest.fixture(scope="module")
def loss(data, mll):
    priors = mll.model.covar_module.lengthscale_prior, mll.likelihood.noise_covar.noise_prior
    of_length, of_noise = (LogNormal(float(prior.loc), float(prior.scale)) for prior in priors)
    return Loss(*data, length_prior=of_length, noise_prior=of_noise)


@pytest.fixture(scope="module", params=range(3))
def hyperparameters(request):
    generator = np.random.default_rng(request.param)
    return np.exp(generator.normal(0, 1, D)), float(np.exp(generator.normal(-3, 1))), float(generator.normal())


@pytest.fixture
def expected(mll, hyperparameters):
    """GPyTorch's loss, and its derivatives by autograd, at the hyperparameters."""
    lengths, noise, mean = hyperparameters
    model = mll.train().model
    model.covar_module.raw_lengthscale.data[:] = torch.from_numpy(lengths)
    mll.likelihood.noise_covar.raw_noise.data[:] = noise
    model.mean_module.raw_constant.data.fill_(mean)
    mll.zero_grad()
    value = -mll(model(*model.train_inputs), model.train_targets).sum()
    value.backward()
    gradients = model.covar_module.raw_lengthscale, mll.likelihood.noise_covar.raw_noise, model.mean_module.raw_constant
    return float(value), *(parameter.grad.numpy().ravel() for parameter in gradients)


def test_the_loss_is_gpytorchs(loss, hyperparameters, expected):
    assert loss(*hyperparameters)[0] == pytest.approx(expected[0], rel=1e-6)


def test_the_derivative_by_the_length_scales_is_autograds(loss, hyperparameters, expected):
    assert loss(*hyperparameters)[1] == pytest.approx(expected[1], rel=1e-6, abs=1e-9)


def test_the_derivative_by_the_noise_is_autograds(loss, hyperparameters, expected):
    assert loss(*hyperparameters)[2] == pytest.approx(expected[2][0], rel=1e-6)


def test_the_derivative_by_the_mean_is_autograds(loss, hyperparameters, expected):
    assert loss(*hyperparameters)[3] == pytest.approx(expected[3][0], rel=1e-6)


def test_a_matrix_that_is_not_positive_definite_is_an_error():
    same = np.zeros((4, 1))
    loss = Loss(same, np.arange(4.0), length_prior=LogNormal(0, 1), noise_prior=LogNormal(0, 1))
    with pytest.raises(np.linalg.LinAlgError):
        loss(np.ones(1), 1e-18, 0.0)
