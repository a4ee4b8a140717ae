"""Contract suite of training methods.

Subclass it in your tests:

class TestMyMethod(MethodContract):
    method_class = MyMethod
    alternatives = {"rate": Alternative(0.5), "threshold": Alternative(1.0, given={"rate": 0.9})}
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from hpstudy.bnn.methods.interface import Hyperparameters, Method, State
from hpstudy.bnn.schedules import Clock

EPOCHS, UPDATES = 4, 10
"""Length of the training in the tests; long enough for every schedule to have an effect."""

SHAPE = (6, 8)
"""(filters, fan_in) of the layer in the tests."""


@dataclass(frozen=True)
class Alternative:
    """A valid value that differs from the default, and other hyperparameters with which the two must give different weights."""

    value: Any
    given: Mapping[str, Any] = field(default_factory=dict)


def clocks(epochs: int = EPOCHS, updates: int = UPDATES) -> Iterator[Clock]:
    """Yield the clock at every update of a training."""
    for update in range(epochs * updates):
        yield Clock(update // updates, epochs, update, epochs * updates)


def normal(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draw standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


class MethodContract:
    """Requirements of every method, on which the trainer and the analysis rely."""

    method_class: ClassVar[type[Method[Any]]]
    alternatives: ClassVar[Mapping[str, Alternative]]
    """An alternative value for every hyperparameter."""
    starts_from_the_noise: ClassVar[bool] = True
    """Whether theta_0 is the sign of the noise; False for methods that center or rotate the latent weights first."""
    flips_without_gradient: ClassVar[bool] = False
    """Whether a weight can flip although its gradient is 0; True for methods whose weight decay or rotation changes signs."""

    def hp(self, **values: Any) -> Hyperparameters:
        """Return the method's hyperparameters with these values, and defaults for the others."""
        hp: Hyperparameters = self.method_class.Hyperparameters(**values)
        return hp

    def start(self, hp: Hyperparameters, noise: Tensor) -> State:
        """Return the state before the first update."""
        return self.method_class().init(noise, hp, torch.Generator().manual_seed(2))

    def weights(self, hp: Hyperparameters, noise: Tensor, gradients: Tensor) -> list[Tensor]:
        """Return the weight after every update of a training with these gradients."""
        method, state, weights = self.method_class(), self.start(hp, noise), []
        for clock, gradient in zip(clocks(), gradients, strict=True):
            if clock.update % UPDATES == 0:
                state = method.start_epoch(state, hp, clock)
            state = method.update(state, gradient, hp, clock)
            assert bool((state["theta"].abs() == 1).all()), "theta holds -1 and +1 only"
            weights.append(method.weight(state, hp, clock).clone())
        return weights

    def example(self, hp: Hyperparameters, dtype: torch.dtype = torch.float64) -> list[Tensor]:
        """Return the `weights` for random gradients."""
        noise = normal(*SHAPE, seed=0, dtype=dtype)
        return self.weights(hp, noise, normal(EPOCHS * UPDATES, *SHAPE, seed=1, dtype=dtype))

    def test_every_hyperparameter_has_a_description_and_says_whether_it_is_based_on_magnitudes(self) -> None:
        model = self.method_class.Hyperparameters
        assert set(model.magnitude_based()) <= set(model.model_fields)
        assert all(field.description for field in model.model_fields.values())

    def test_the_defaults_are_in_their_domains(self) -> None:
        values = self.hp().model_dump()
        assert self.method_class.Hyperparameters.model_validate(values, strict=True).model_dump() == values

    def test_a_study_is_checked_without_loading_torch(self) -> None:
        script = f"import sys, {self.method_class.__module__}; sys.exit('torch' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0

    def test_the_first_binary_weights_are_the_signs_of_the_noise(self) -> None:
        noise = normal(*SHAPE, seed=0)
        theta = self.start(self.hp(), noise)["theta"]
        assert bool((theta.abs() == 1).all())
        assert torch.equal(theta, noise.sign()) == self.starts_from_the_noise

    def test_the_weight_in_use_has_the_signs_of_theta(self) -> None:
        hp, method, noise = self.hp(), self.method_class(), normal(*SHAPE, seed=0)
        state = self.start(hp, noise)
        for clock, gradient in zip(clocks(), normal(EPOCHS * UPDATES, *SHAPE, seed=1), strict=True):
            if clock.update % UPDATES == 0:
                state = method.start_epoch(state, hp, clock)
                assert torch.equal(method.weight(state, hp, clock).sign(), state["theta"])
            state = method.update(state, gradient, hp, clock)
            assert torch.equal(method.weight(state, hp, clock).sign(), state["theta"])
            assert torch.equal(method.evaluation_weight(state, hp, clock).sign(), state["theta"])

    def test_shape_and_type_of_the_noise_are_kept(self) -> None:
        for dtype in (torch.float32, torch.float64):
            last = self.example(self.hp(), dtype)[-1]
            assert (last.shape, last.dtype) == (SHAPE, dtype)

    def test_some_weight_flips_under_random_gradients(self) -> None:
        noise = normal(*SHAPE, seed=0)
        gradients = 100 * normal(EPOCHS * UPDATES, *SHAPE, seed=1)
        assert not torch.equal(self.weights(self.hp(), noise, gradients)[-1].sign(), noise.sign())

    def test_a_gradient_of_zero_flips_nothing(self) -> None:
        noise = normal(*SHAPE, seed=0)
        theta = self.start(self.hp(), noise)["theta"].clone()
        weights = self.weights(self.hp(), noise, torch.zeros(EPOCHS * UPDATES, *SHAPE, dtype=torch.float64))
        assert all(torch.equal(weight.sign(), theta) for weight in weights) != self.flips_without_gradient

    def test_the_gradient_is_not_overwritten(self) -> None:
        gradients = normal(EPOCHS * UPDATES, *SHAPE, seed=1)
        before = gradients.clone()
        self.weights(self.hp(), normal(*SHAPE, seed=0), gradients)
        assert torch.equal(gradients, before)

    def test_the_same_gradients_give_the_same_weights(self) -> None:
        assert all(torch.equal(a, b) for a, b in zip(self.example(self.hp()), self.example(self.hp()), strict=True))

    def test_a_saved_and_loaded_state_continues_as_if_never_saved(self) -> None:
        hp, method, gradients = self.hp(), self.method_class(), normal(EPOCHS * UPDATES, *SHAPE, seed=1)
        state = self.start(hp, normal(*SHAPE, seed=0))
        for number, clock in enumerate(clocks()):
            if number % UPDATES == 0:
                state = method.start_epoch(state, hp, clock)
            state = _saved_and_loaded(method.update(state, gradients[number], hp, clock))
        last = method.weight(state, hp, clock)
        assert torch.equal(last, self.example(hp)[-1])

    def test_there_is_an_alternative_for_every_hyperparameter(self) -> None:
        assert set(self.alternatives) == set(self.method_class.Hyperparameters.model_fields)

    def test_every_hyperparameter_changes_the_weights_the_activation_or_the_calibration(self) -> None:
        method = self.method_class()
        for name, other in self.alternatives.items():
            base, changed = self.hp(**other.given), self.hp(**{**other.given, name: other.value})
            assert base != changed, f"the alternative of '{name}' is the value that it is compared with"
            pairs = zip(self.example(base), self.example(changed), strict=True)
            same = all(torch.equal(a, b) for a, b in pairs)
            same &= method.activation(base) == method.activation(changed) and method.recalibrates(base) == method.recalibrates(
                changed
            )
            assert not same, f"'{name}' changes nothing"

    def test_networks_stacked_with_different_hyperparameters_train_as_they_would_alone(self) -> None:
        noise, gradients = normal(*SHAPE, seed=0), normal(EPOCHS * UPDATES, *SHAPE, seed=1)
        for name, other in self.alternatives.items():
            if isinstance(other.value, float):
                alone = [self.hp(**other.given), self.hp(**{**other.given, name: other.value})]
                values = torch.tensor([getattr(hp, name) for hp in alone], dtype=torch.float64).view(2, 1, 1)
                stacked = self.weights(
                    alone[0].model_copy(update={name: values}),
                    noise.expand(2, *SHAPE),
                    gradients.unsqueeze(1).expand(-1, 2, -1, -1),
                )
                for k, hp in enumerate(alone):
                    for one, both in zip(self.weights(hp, noise, gradients), stacked, strict=True):
                        torch.testing.assert_close(both[k], one)


def _saved_and_loaded(state: State) -> State:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: State = torch.load(file)
    return loaded
