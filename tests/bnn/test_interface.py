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
    low: float = hyperparameter(0.85, "lower", at_most="high")
    high: float = hyperparameter(0.99, "upper")


def test_the_message_on_two_values_in_the_wrong_order_tells_them_apart():
    assert Ascending(low=0.9, high=0.9).low == 0.9
    with pytest.raises(ValueError, match=r"low \(0\.95000001\) is above high \(0\.95\): lower low or raise high"):
        Ascending(low=0.95000001, high=0.95)


def declared(**fields):
    """A class of hyperparameters with these fields, which are numbers."""
    return type("Mine", (Hyperparameters,), {"__module__": __name__, "__annotations__": dict.fromkeys(fields, float), **fields})


@pytest.mark.filterwarnings("ignore:Field name:UserWarning")
@pytest.mark.parametrize("name", ["magnitude_based", "model_copy", "json"])
def test_a_hyperparameter_with_the_name_of_an_attribute_is_refused(name):
    with pytest.raises(TypeError, match=f"Mine: a hyperparameter cannot be called '{name}', an attribute of Hyperparameters"):
        declared(**{name: hyperparameter(0.1, "mine")})


def test_a_hyperparameter_may_be_called_ascending():
    assert declared(ascending=hyperparameter(0.1, "mine"))(ascending=0.2).ascending == 0.2


def test_at_most_names_a_hyperparameter():
    with pytest.raises(TypeError, match="'low' is at most 'hihg', which is no hyperparameter: did you mean 'high'"):
        declared(low=hyperparameter(0.1, "lower", at_most="hihg"), high=hyperparameter(0.2, "upper"))


def test_a_misspelled_declaration_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'magnitude_base'"):
        hyperparameter(0.1, "mine", magnitude_base=True)


def test_only_declared_hyperparameters_are_magnitude_based():
    mine = declared(step=hyperparameter(0.1, "step", magnitude_based=True), rate=hyperparameter(0.1, "rate"), plain=0.5)
    assert mine.magnitude_based() == ("step",)
