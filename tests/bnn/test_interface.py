"""A method's hyperparameters are those that its base class names."""

import pytest

from hpstudy.bnn.methods.filter import Filter, FilterHyperparameters
from hpstudy.bnn.methods.interface import H, Hyperparameters, Method, hyperparameter


class Wrapper(Method[H]): ...


class Slower(Filter): ...


class Wrapped(Wrapper[FilterHyperparameters]):
    Hyperparameters = FilterHyperparameters


def test_the_model_is_the_argument_of_the_base_class():
    assert Filter.Hyperparameters is FilterHyperparameters


def test_a_subclass_of_a_method_has_its_model():
    assert Slower.Hyperparameters is FilterHyperparameters


def test_a_wrapper_of_any_method_names_no_model():
    assert not hasattr(Wrapper, "Hyperparameters")


def test_a_model_in_the_class_body_is_kept():
    assert Wrapped.Hyperparameters is FilterHyperparameters


class Ascending(Hyperparameters):
    ascending = ("low", "high")
    low: float = hyperparameter(0.85, "lower")
    high: float = hyperparameter(0.99, "upper")


def test_the_message_on_two_values_in_the_wrong_order_tells_them_apart():
    assert Ascending(low=0.9, high=0.9).low == 0.9
    with pytest.raises(ValueError, match=r"low \(0\.95000001\) is above high \(0\.95\): lower low or raise high"):
        Ascending(low=0.95000001, high=0.95)
