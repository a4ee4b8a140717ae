"""A method's hyperparameters are those that its base class names."""

from hpstudy.bnn.methods.filter import Filter, FilterHyperparameters
from hpstudy.bnn.methods.interface import H, Method


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
