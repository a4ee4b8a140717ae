"""Interface of training methods for binary weights.

A method consists of tensor operations outside autograd. It processes one binary layer at a time, as a tensor of shape (*stack, filters,
fan_in). The weight of a convolution, (out, in, height, width), is flattened to (out, in height width). "Per filter" is therefore always the
last dimension, and "per layer" the last two. `stack` is empty, or the number of networks that are trained together. In that case a numeric
hyperparameter is a tensor of shape (*stack, 1, 1), and the tensors of a state are the stacked tensors of every network's `init`.

Method files do not import torch, so that a study's hyperparameters are checked without it. They name its types by `Tensor` and
`Generator`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeAlias, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import Surrogate
from hpstudy.errors import nearest

if TYPE_CHECKING:
    import torch

Tensor: TypeAlias = "torch.Tensor"
Generator: TypeAlias = "torch.Generator"

State: TypeAlias = "dict[str, Tensor]"
"""The state of a method for a layer. `state["theta"]`, in {-1, +1}, are the binary weights, whose flips are counted."""


class Hyperparameters(BaseModel):
    """Hyperparameters of a method: names, defaults, valid domains. Unknown names are refused.

    In the update rules a field declared as `float` can be a tensor of shape (*stack, 1, 1).

    Raises:
        TypeError: a subclass has a hyperparameter with the name of an attribute of this class, or `at_most` names no hyperparameter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    _ascending: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of hyperparameters, the first of which must not exceed the second."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if reserved := [name for name in cls.model_fields if hasattr(Hyperparameters, name)]:
            raise TypeError(f"{cls.__name__}: a hyperparameter cannot be called '{reserved[0]}', an attribute of Hyperparameters")
        limits = {name: _declared(field, "at_most") for name, field in cls.model_fields.items()}
        cls._ascending = tuple((low, high) for low, high in limits.items() if high is not None)
        for low, high in cls._ascending:
            if high not in cls.model_fields:
                raise TypeError(
                    f"{cls.__name__}: '{low}' is at most '{high}', which is no hyperparameter: {nearest(high, limits)}"
                )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for low, high in self._ascending:
            if (first := getattr(self, low)) > (second := getattr(self, high)):
                raise ValueError(f"{low} ({first:.15g}) is above {high} ({second:.15g}): lower {low} or raise {high}")
        return self

    @classmethod
    def magnitude_based(cls) -> tuple[str, ...]:
        """Return the hyperparameters whose meaning depends on the scale of a latent weight or of the gradient."""
        return tuple(name for name, field in cls.model_fields.items() if _declared(field, "magnitude_based"))


def hyperparameter(
    default: Any,
    description: str,
    *,
    magnitude_based: bool = False,
    at_most: str | None = None,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
) -> Any:
    """Declare a field of `Hyperparameters`.

    Args:
        default: default value.
        description: its meaning, with its symbol in the paper.
        magnitude_based: whether its meaning depends on the scale of a latent weight or of the gradient.
        at_most: name of another hyperparameter, which its value must not exceed.
        gt: its values are greater than this number.
        ge: its values are greater than or equal to this number.
        lt: its values are less than this number.
        le: its values are less than or equal to this number.
    """
    declared: dict[str, Any] = {"magnitude_based": magnitude_based, "at_most": at_most}
    return Field(default=default, description=description, json_schema_extra=declared, gt=gt, ge=ge, lt=lt, le=le)


def _declared(field: FieldInfo, key: str) -> Any:
    """What `hyperparameter` declared of a field; None for a field that was declared otherwise."""
    return field.json_schema_extra.get(key) if isinstance(field.json_schema_extra, dict) else None


H = TypeVar("H", bound=Hyperparameters)


def shared_choices(hps: Sequence[H], like: Tensor) -> list[tuple[list[int], H]]:
    """Group the networks of a stack whose hyperparameters differ only in real numbers. One call of an update rule updates a group.

    In a stack, real numbers are always tensors, even if all networks of a group have the same value or a group has one network. The
    result of a network then does not depend on the hyperparameters of the others.

    Args:
        hps: hyperparameters of every network in the stack.
        like: a tensor with the type and device of the numbers.

    Returns:
        The indices of the networks of each group, and their hyperparameters with a tensor (n, 1, 1) for each field declared as float.
        The hyperparameters of a single network are returned unchanged.
    """
    if len(hps) == 1:
        return [([0], hps[0])]
    # Group the networks by their other hyperparameters (choices, booleans, integers).
    numbers = [name for name, field in type(hps[0]).model_fields.items() if field.annotation is float]
    groups: list[tuple[dict[str, Any], list[int]]] = []
    for slot, hp in enumerate(hps):
        choices = hp.model_dump(exclude=set(numbers))
        for group_choices, slots in groups:
            if group_choices == choices:
                slots.append(slot)
                break
        else:
            groups.append((choices, [slot]))
    # Replace the real numbers of each group by tensors (n, 1, 1).
    return [
        (
            slots,
            hps[slots[0]].model_copy(
                update={name: like.new_tensor([getattr(hps[slot], name) for slot in slots]).view(-1, 1, 1) for name in numbers}
            ),
        )
        for _, slots in groups
    ]


class Method(ABC, Generic[H]):
    """A training method. The object has no state: methods take a layer's state and return the new one.

    The trainer calls `init` once for every binary layer, `start_epoch` at the start of every epoch, and `update` after every backward
    pass. After each of these calls it copies the result of `weight` into the layer, and before an evaluation that of
    `evaluation_weight`.

    Attributes:
        Hyperparameters: the type argument of the base class, as in `class Filter(Method[FilterHyperparameters])`.
    """

    Hyperparameters: type[H]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in cls.__dict__.get("__orig_bases__", ()):
            if get_origin(base) is Method and isinstance(model := get_args(base)[0], type):
                cls.Hyperparameters = model

    @abstractmethod
    def init(self, noise: Tensor, hp: H, generator: Generator) -> State:
        """Return the state before the first update. The trainer calls it separately for every network.

        Args:
            noise: (*stack, filters, fan_in) standard normal numbers. With the same seed they are the same for all methods, and
                theta_0 = sign(noise), so that all methods start from the same network.
            hp: the hyperparameters.
            generator: for other random draws of the method; the trainer does not use it.
        """

    def start_epoch(self, state: State, hp: H, clock: Clock) -> State:
        """Return the state at the start of an epoch, before its first update. By default it does not change."""
        return state

    @abstractmethod
    def update(self, state: State, grad: Tensor, hp: H, clock: Clock) -> State:
        """Return the state after one update.

        On CUDA the operations of a call are recorded and repeated for the following updates of the epoch, unless it reads
        `clock.update`. So it must depend on nothing but its arguments.

        Args:
            state: the previous state. Its tensors may be overwritten; the caller keeps no reference to them.
            grad: dL/dweight for the result of `weight`, shape of the noise; must not be overwritten.
            hp: the hyperparameters.
            clock: the progress of training.
        """

    def weight(self, state: State, hp: H, clock: Clock) -> Tensor:
        """Return the layer's weight in training, shape of the noise. Default: theta; methods can scale or soften it."""
        return state["theta"]

    def evaluation_weight(self, state: State, hp: H, clock: Clock) -> Tensor:
        """Return the layer's weight in evaluation. It differs from `weight` only in methods that train with soft weights."""
        return self.weight(state, hp, clock)

    def activation(self, hp: H) -> Surrogate | None:
        """Return the activation before every binary layer, for methods with their own activation; None for that of the task."""
        return None

    def recalibrates(self, hp: H) -> bool:
        """Return whether batch normalization must be recalibrated with the evaluation weights before an evaluation."""
        return False

    def example(self, **hyperparameters: Any) -> State:
        """Return the state after the first update of a layer with one filter of 4 weights, for documentation.

        The noise is [0.5, -1, 1.5, -0.2] and the gradient [1, 1, -1, -1].

        Args:
            hyperparameters: values that differ from the defaults.
        """
        import torch

        noise, grad = torch.tensor([[0.5, -1.0, 1.5, -0.2]]), torch.tensor([[1.0, 1.0, -1.0, -1.0]])
        hp, clock = self.Hyperparameters(**hyperparameters), Clock(epoch=0, epochs=1, update=0, updates=10)
        state = self.start_epoch(self.init(noise, hp, torch.Generator().manual_seed(0)), hp, clock)
        return self.update(state, grad, hp, clock)


def initial_signs(noise: Tensor) -> Tensor:
    """Return theta_0, which is +1 where noise >= 0 and -1 elsewhere. Eq. 5 draws sign(0) at every use instead; see `follow`."""
    return (noise >= 0).to(noise.dtype).mul_(2).sub_(1)


def follow(theta: Tensor, signal: Tensor) -> Tensor:
    """Set theta to sign(signal) in place. Where the signal is exactly 0 or NaN, theta keeps its value.

    Eq. 5 draws a random sign at 0 instead. A weight whose gradient is always 0 would then flip at half of the updates and dominate the
    flip ratio. Because theta_0 is random, keeping the sign gives the same distribution without these flips.
    """
    disagrees = (theta * signal).lt_(0)
    return theta.addcmul_(theta, disagrees, value=-2)
