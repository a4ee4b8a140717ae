"""What a training method of binary weights is.

A method is tensor arithmetic outside autograd. It sees one binary layer at a time, as a tensor of shape (*stack, filters,
fan_in): a convolution's (out, in, height, width) comes flattened to (out, in height width), so that "per filter" is always the
last dimension and "per layer" the last two. `stack` is empty, or counts networks that are trained side by side; then a numeric
hyperparameter is a tensor of shape (*stack, 1, 1), and the tensors of a state are those of every network's `init`, stacked.

Method files import torch for type checkers only: a study's hyperparameters are checked without loading it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

from hpstudy.bnn.schedules import Clock
from hpstudy.bnn.settings import Surrogate

if TYPE_CHECKING:
    import torch

State: TypeAlias = "dict[str, torch.Tensor]"
"""All that a method remembers of a layer. `state["theta"]`, in {-1, +1}, are its binary weights; flips are counted there."""


class Hyperparameters(BaseModel):
    """A method's hyperparameters: names, defaults, valid domains. Unknown names are refused.

    A field declared as `float` may hold a tensor of shape (*stack, 1, 1) in the update rules.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def magnitude_based(cls) -> tuple[str, ...]:
        """Those whose meaning depends on the scale of a latent weight or of the gradient: signs alone do not know them."""
        return tuple(n for n, field in cls.model_fields.items() if _extra(field.json_schema_extra)["magnitude_based"])


def hyperparameter(default: Any, description: str, *, magnitude_based: bool, **domain: Any) -> Any:
    """One field of `Hyperparameters`.

    Args:
        default: where a view leaves it open.
        description: what it is, with its symbol in the paper.
        magnitude_based: whether its meaning depends on the scale of a latent weight or of the gradient.
        domain: pydantic's ge, gt, le, lt.
    """
    return Field(default=default, description=description, json_schema_extra={"magnitude_based": magnitude_based}, **domain)


H = TypeVar("H", bound=Hyperparameters)


def shared_choices(hps: Sequence[H], like: torch.Tensor) -> list[tuple[list[int], H]]:
    """Networks of a stack that one call of an update rule serves: those whose hyperparameters differ in real numbers only.

    Real numbers of a stack are tensors also where all networks, or the only one of a group, have the same: so a network's result does
    not depend on the others' hyperparameters.

    Args:
        hps: for every network of the stack.
        like: a tensor of the type and device that the numbers shall have.

    Returns:
        Indices of the networks of each group, and their hyperparameters, with a tensor (n, 1, 1) for each field that is declared as
        float. A single network's hyperparameters are returned as they are.
    """
    if len(hps) == 1:
        return [([0], hps[0])]
    numbers = [name for name, field in type(hps[0]).model_fields.items() if field.annotation is float]
    groups: list[tuple[dict[str, Any], list[int]]] = []
    for slot, hp in enumerate(hps):
        choices = hp.model_dump(exclude=set(numbers))
        for found, slots in groups:
            if found == choices:
                slots.append(slot)
                break
        else:
            groups.append((choices, [slot]))
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
    """One training method: pure rules, no state of its own.

    Life cycle, for every binary layer: `init` once; at the start of every epoch `start_epoch`; after every backward pass
    `update`. After each of them the trainer asks for `weight` and puts it into the layer; before an evaluation it asks for
    `evaluation_weight`.

    Attributes:
        Hyperparameters: the model in the base class of `class Filter(Method[FilterHyperparameters])`.
    """

    Hyperparameters: type[H]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in cls.__dict__.get("__orig_bases__", ()):
            if get_origin(base) is Method and isinstance(model := get_args(base)[0], type):
                cls.Hyperparameters = model

    @abstractmethod
    def init(self, noise: torch.Tensor, hp: H, generator: torch.Generator) -> State:
        """The state before the first update. In training it is called for every network alone.

        Args:
            noise: (*stack, filters, fan_in) standard normal; the same for all methods under one seed, and theta_0 = sign(noise),
                so that methods start from the same network.
            hp: the hyperparameters.
            generator: for the method's other draws; the trainer draws nothing from it.
        """

    def start_epoch(self, state: State, hp: H, clock: Clock) -> State:
        """The state after what happens once per epoch, before its first update. Nothing, by default."""
        return state

    @abstractmethod
    def update(self, state: State, grad: torch.Tensor, hp: H, clock: Clock) -> State:
        """The state after one update.

        Args:
            state: from the previous call; its tensors may be overwritten, and the caller keeps no reference to them.
            grad: dL/dweight for the weight that `weight` gave, shape of the noise; may not be overwritten.
            hp: this method's hyperparameters.
            clock: where training stands.
        """

    def weight(self, state: State, hp: H, clock: Clock) -> torch.Tensor:
        """What the layer uses in training, shape of the noise: theta, unless the method scales or softens it."""
        return state["theta"]

    def evaluation_weight(self, state: State, hp: H, clock: Clock) -> torch.Tensor:
        """What the layer uses in evaluation. Differs from `weight` only in methods that train with soft weights."""
        return self.weight(state, hp, clock)

    def activation(self, hp: H) -> Surrogate | None:
        """The activation in front of every binary layer, for methods that bring their own; None leaves it to the task."""
        return None

    def recalibrates(self, hp: H) -> bool:
        """Whether batch normalisation must measure its running statistics again, with the evaluation weights, before an evaluation."""
        return False


def initial_signs(noise: torch.Tensor) -> torch.Tensor:
    """theta_0: +1 where noise >= 0, else -1, drawn once. Eq. 5 redraws sign(0) at every use; see `follow`."""
    return (noise >= 0).to(noise.dtype).mul_(2).sub_(1)


def follow(theta: torch.Tensor, signal: torch.Tensor) -> torch.Tensor:
    """Theta in place, made equal to sign(signal); where the signal is exactly 0 (or NaN) theta keeps its value.

    Eq. 5 draws a random sign at 0 instead. Drawn at every update, that would let a weight whose gradient is always 0 flip half of
    the time and swamp the flip ratio; with theta_0 random, keeping is the same distribution without the noise.
    """
    disagrees = (theta * signal).lt_(0)
    return theta.addcmul_(theta, disagrees, value=-2)


def _extra(extra: Any) -> dict[str, Any]:
    assert isinstance(extra, dict), "declare hyperparameters with hyperparameter()"
    return extra
