"""Interface of networks: settings that are checked without torch, and a call that creates the module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from hpstudy.plugins import load_callable

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hpstudy.bnn.binarize import BinaryActivation


class MakesNetwork(Protocol):
    """A `BuiltIn`, or your own module class with `Settings` and these arguments."""

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802  # a class, as the attribute of your own network is
        """The network's settings."""

    def __call__(
        self, settings: Any, *, channels_in: int, classes: int, activation: BinaryActivation, generator: torch.Generator
    ) -> nn.Module:
        """Create a network with initial real weights. All binary weights are +1 until a method sets them.

        Args:
            settings: of type `Settings`.
            channels_in: number of image channels.
            classes: number of logits.
            activation: the activation before every binary layer.
            generator: draws all initial weights, on the CPU.

        Returns:
            A module from images (batch, channels_in, height, width) to logits (batch, classes).
        """


@dataclass(frozen=True)
class BuiltIn:
    """A network of this package. Its module is imported by the first call, so that its settings are available without torch.

    Attributes:
        Settings: the network's settings.
        target: its module class, "module:Class".
    """

    Settings: type[BaseModel]
    target: str

    def __call__(self, settings: Any, **arguments: Any) -> nn.Module:
        """Create the network. The arguments are those of `MakesNetwork`."""
        return load_callable(self.target)(settings, **arguments)  # type: ignore[no-any-return]  # a class found by its name
