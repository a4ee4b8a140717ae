import pytest
from pydantic import model_validator

from hpstudy.bnn.methods.domain import choices, inconsistent, outside
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.interface import Hyperparameters, hyperparameter
from hpstudy.bnn.methods.latent_sgd import LatentSGD


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (Filter, "alpha", 0),
        (Filter, "alpha", 1e-20),
        (Filter, "gamma", 1),
        (LatentSGD, "scaling", True),
        (LatentSGD, "clipping", "weight"),
    ],
)
def test_a_value_in_the_domain_is_accepted(model, name, value):
    assert outside(model.Hyperparameters, name, value) is None


@pytest.mark.parametrize(
    ("model", "name", "value", "said"),
    [
        (Filter, "alpha", -1e-9, "must be greater than or equal to 0, not -1e-09"),
        (Filter, "gamma", 0, "must be greater than 0, not 0"),
        (Filter, "gamma", True, "must be a valid number, not true"),
        (Filter, "alpha", "0.1", "must be a valid number, not '0.1'"),
        (Filter, "alpha", float("nan"), "must be a finite number, not nan"),
        (LatentSGD, "learning_rate", float("inf"), "must be a finite number, not inf"),
        (LatentSGD, "scaling", 1, "must be a valid boolean, not 1"),
        (LatentSGD, "clipping", "both", "must be 'none', 'gradient' or 'weight', not 'both'"),
    ],
)
def test_a_value_outside_the_domain_is_refused_with_the_value(model, name, value, said):
    assert outside(model.Hyperparameters, name, value) == said


def test_a_choice_knows_its_values_and_a_number_has_none():
    model = LatentSGD.Hyperparameters
    assert choices(model, "scaling") == (False, True)
    assert choices(model, "clipping") == ("none", "gradient", "weight")
    assert choices(model, "gamma") is None


class Ordered(Hyperparameters):
    """Two numbers of which the first must be the smaller."""

    low: float = hyperparameter(0.1, "lower", magnitude_based=False)
    high: float = hyperparameter(0.2, "upper", magnitude_based=False)

    @model_validator(mode="after")
    def _check(self):
        if self.low >= self.high:
            raise ValueError("low must be smaller than high")
        return self


def test_values_that_exclude_each_other_are_refused_together():
    assert outside(Ordered, "low", 0.3) is None
    assert "low must be smaller" in inconsistent(Ordered, {"low": 0.3})[0]
    assert inconsistent(Ordered, {"low": 0.3, "high": 0.4}) == []
