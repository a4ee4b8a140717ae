"""The objective of the fit of one search is BoTorch's, bit for bit."""

import warnings

import pytest
import torch

from hpstudy.search.encoding import Encoding
from hpstudy.search.sobol import sobol_points
from hpstudy.testing.searchers import SPACES, objective

with warnings.catch_warnings():
    warnings.simplefilter("ignore", category=DeprecationWarning)  # GPyTorch uses torch.jit
    from botorch.models import SingleTaskGP
    from botorch.optim.closures import get_loss_closure_with_grads
    from botorch.optim.utils import get_parameters
    from gpytorch.mlls import ExactMarginalLogLikelihood
    from linear_operator.utils.errors import NanError

    from hpstudy.search.single import fit
    from hpstudy.search.single.surrogate import Snap


@pytest.fixture(params=["one float", "mixed", "conditional"])
def likelihood(request):
    space = SPACES[request.param]
    encoding, points = Encoding(space), sobol_points(space, seed=0, start=0, count=25)
    coordinates = torch.tensor([encoding.encode(point) for point in points], dtype=torch.float64)
    values = torch.tensor([[objective(space, point)] for point in points], dtype=torch.float64)
    standardized = (values - values.mean()) / values.std()
    model = SingleTaskGP(coordinates, standardized, outcome_transform=None, input_transform=Snap(encoding))
    return ExactMarginalLogLikelihood(model.likelihood, model).train()


def test_objective_and_gradients_are_botorchs_bit_for_bit(likelihood):
    parameters = get_parameters(likelihood, requires_grad=True)
    theirs, ours = get_loss_closure_with_grads(likelihood, parameters), fit.objective(likelihood)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        with torch.no_grad():
            for parameter in parameters.values():
                parameter.copy_(0.03 + torch.rand(parameter.shape, generator=generator, dtype=torch.float64))
        value, gradients = theirs()
        assert value.item() == ours()[0].item()
        assert all(torch.equal(one, other) for one, other in zip(gradients, ours()[1], strict=True))


def test_values_that_are_not_numbers_are_an_error_as_in_botorch(likelihood):
    parameters = get_parameters(likelihood, requires_grad=True)
    theirs, ours = get_loss_closure_with_grads(likelihood, parameters), fit.objective(likelihood)
    with torch.no_grad():
        likelihood.model.covar_module.raw_lengthscale.fill_(torch.nan)
    for closure in (theirs, ours):
        with pytest.raises(NanError):
            closure()
