import pytest
import torch

from hpstudy.bnn.methods.filter import Filter
from tests.support.networks import record


@pytest.fixture(scope="session")
def recorded():
    """Gradients of the second binary layer, (updates, filters, fan_in), of a training in double precision."""
    recorder, _ = record(Filter(), Filter.Hyperparameters(alpha=1e-2))
    return torch.stack(recorder.gradients[1])
