import pytest
import torch

from hpstudy.bnn.methods.standardize import standardize, standardize_backward
from hpstudy.testing.methods import normal


@pytest.mark.parametrize("shape", [(3, 7), (2, 3, 7), (4, 2)])
def test_the_gradient_is_that_of_autograd(shape):
    w, grad = (3 + 0.1 * normal(*shape, seed=0)).requires_grad_(), normal(*shape, seed=1)
    ((w - w.mean(-1, keepdim=True)) / w.std(-1, keepdim=True)).backward(grad)
    torch.testing.assert_close(standardize_backward(grad, *standardize(w.detach())), w.grad, rtol=1e-10, atol=1e-10)


def test_the_deviation_divides_by_one_less_than_the_number_of_weights():
    z, deviation = standardize(torch.tensor([[1.0, 3.0], [0.0, 10.0]]))
    torch.testing.assert_close(deviation, torch.tensor([[2.0], [50.0]]).sqrt())
    torch.testing.assert_close(z, torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]) / 2**0.5)


def test_a_positive_factor_and_a_shift_of_a_filter_change_nothing():
    w = normal(3, 7, seed=0)
    torch.testing.assert_close(standardize(5 * w + 2)[0], standardize(w)[0])


@pytest.mark.parametrize("w", [torch.full((2, 4), 0.5), torch.ones(2, 1)])
def test_a_filter_of_equal_weights_is_standardized_to_zeros(w):
    z, deviation = standardize(w)
    assert z.eq(0).all()
    assert deviation.eq(1).all()


def test_neither_weights_nor_gradient_are_overwritten():
    w, grad = normal(3, 7, seed=0), normal(3, 7, seed=1)
    standardize_backward(grad, *standardize(w))
    assert torch.equal(w, normal(3, 7, seed=0))
    assert torch.equal(grad, normal(3, 7, seed=1))
