"""Stacks: networks of the same shape that are trained as one wide network.

In a stack of K networks, the features (or channels) of a sample are those of the K networks concatenated, (batch, K features). A layer of
the stack holds the concatenated parameters of the K layers and never mixes features of different networks. Modules that process every
feature separately need no rule, because they process K times as many features.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hpstudy.bnn.binarize import POINTWISE, BinaryActivation
from hpstudy.bnn.layers import BinaryLinear, real_parameters
from hpstudy.errors import UsageError

LANES = 16
"""Rows are padded to a multiple of this number. On a CPU, matrix products and batch normalization add in a different order at the end of a
row, or in a matrix that starts at an odd address. With the padding, a network's position in the stack does not change any bit."""


class Stack(nn.Module):
    """K networks that are trained in one pass. Their parameters and buffers become views of those of the stack.

    Training the stack therefore trains the networks, and each network can be evaluated separately.

    Args:
        networks: networks of the same class and shape. The class must set `stackable = True`: outside its layers, `forward` processes
            features (dimension 1) separately.

    Attributes:
        real: the parameters that are not binary, concatenated to one parameter for layers and one for batch normalization; a list is empty
            if there are none. The gradients of the networks are views of theirs: set them to zero, not to None.

    Raises:
        UsageError: the networks cannot be stacked.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        if len({type(network) for network in networks}) > 1 or not getattr(networks[0], "stackable", False):
            names = ", ".join(sorted({type(network).__name__ for network in networks}))
            raise UsageError(f"networks of {names} cannot be trained in one pass", "train them one after the other")
        self.size = len(networks)
        self.wide = _stacked(networks, {})
        decaying, others = real_parameters(self.wide)
        self.real = _concatenated(decaying), _concatenated(others)
        _make_views(self.wide, networks)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits. x: (batch K, ...), with sample n of network k in row n K + k -> (batch K, classes)."""
        logits: Tensor = self.wide(x.reshape(-1, self.size * x.shape[1], *x.shape[2:]))
        return logits.reshape(len(x), -1)


class StackedLinear(nn.Module):
    """K fully connected layers, each on its own features.

    Args:
        layers: layers of the same shape.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        nn.Module.__init__(self)
        self.size = len(layers)
        self.register_parameter("bias", None)
        _join(self, layers)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, K inputs) -> (batch, K outputs)."""
        inputs = self.weight.shape[1]
        x, weight = x.reshape(-1, self.size, inputs), self.weight.view(self.size, -1, inputs)
        outputs = weight.shape[1]
        if inputs % LANES:
            x = functional.pad(x, (0, -inputs % LANES))
        if outputs % LANES or inputs % LANES:
            weight = functional.pad(weight, (0, -inputs % LANES, 0, -outputs % LANES))
        products: Tensor = _Products.apply(x, weight)  # type: ignore[no-untyped-call]
        products = products[:, :, :outputs].flatten(1)
        return products if self.bias is None else products + self.bias


class StackedBinaryLinear(StackedLinear, BinaryLinear):
    """K binary fully connected layers."""


class StackedNorm(nn.modules.batchnorm._BatchNorm):
    """K batch normalizations, each of its own features.

    Args:
        norms: normalizations of the same shape, with running averages.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norms: Sequence[nn.modules.batchnorm._BatchNorm]) -> None:
        nn.Module.__init__(self)
        self.eps = norms[0].eps
        if norms[0].momentum is None or norms[0].running_mean is None:
            raise UsageError(
                "batch normalization without running averages cannot be stacked", "train the networks one after the other"
            )
        self.rate = norms[0].momentum
        _join(self, norms)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize a batch in training mode. x: (batch, K features); returns the same shape."""
        self.num_batches_tracked += 1
        features = x.shape[1]
        end = -features % LANES
        values = (x, self.running_mean, self.running_var, self.weight, self.bias)
        x, mean, variance, weight, bias = (functional.pad(v, (0, end)) if end and v is not None else v for v in values)
        y = functional.batch_norm(x, mean, variance, weight, bias, True, self.rate, self.eps)
        if end:
            self.running_mean.copy_(mean[:features])
            self.running_var.copy_(variance[:features])
        return y[:, :features]


class StackedActivation(nn.Module):
    """K activations, each on its own features.

    Elementwise activations without a temperature have bit-identical results together and separately. They are applied together if all K
    are the same. Other activations are applied one by one.

    Args:
        activations: the activations of the K networks.
    """

    def __init__(self, activations: Sequence[nn.Module]) -> None:
        super().__init__()
        self.activations = nn.ModuleList(activations)
        names = {str(activation.name) for activation in activations}
        self.together = len(names) == 1 and names <= POINTWISE

    def forward(self, x: Tensor) -> Tensor:
        """Apply the activations. x: (batch, K features, ...); returns the same shape."""
        if self.together:
            return self.activations[0](x)  # type: ignore[no-any-return]
        parts = x.chunk(len(self.activations), 1)
        return torch.cat([a(part) for a, part in zip(self.activations, parts, strict=True)], 1)


class _Products(torch.autograd.Function):
    """X W^T of K layers: (batch, K, inputs), (K, outputs, inputs) -> (batch, K, outputs).

    The products are written directly in the layout of the next layer's input. A batched product of transposed views would copy them.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        out = x.new_empty(len(x), *weight.shape[:2])
        torch.bmm(x.transpose(0, 1), weight.mT, out=out.transpose(0, 1))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor]:
        x, weight = ctx.saved_tensors
        grad = grad.transpose(0, 1)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.empty_like(x)
            torch.bmm(grad, weight, out=grad_x.transpose(0, 1))
        return grad_x, torch.bmm(grad.mT, x.transpose(0, 1))


RULES: dict[type[nn.Module], Callable[[Sequence[Any]], nn.Module]] = {
    nn.Linear: StackedLinear,
    BinaryLinear: StackedBinaryLinear,
    BinaryActivation: StackedActivation,
    nn.BatchNorm1d: StackedNorm,
}
"""Functions that stack modules, by class."""


def _stacked(modules: Sequence[nn.Module], stacked: dict[int, nn.Module]) -> nn.Module:
    """Stack corresponding modules of the K networks. `stacked` maps the identity of modules to results, for modules that are used twice."""
    first = modules[0]
    if id(first) not in stacked:
        if rule := RULES.get(type(first)):
            stacked[id(first)] = rule(modules)
        elif first._parameters or first._buffers:
            raise UsageError(f"a {type(first).__name__} cannot be stacked", "train the networks one after the other")
        else:
            wide = copy.copy(first)
            wide._modules = {}
            for name in first._modules:
                wide.add_module(name, _stacked([module.get_submodule(name) for module in modules], stacked))
            stacked[id(first)] = wide
    return stacked[id(first)]


def _join(wide: nn.Module, modules: Sequence[nn.Module]) -> None:
    """Register the concatenated parameters and buffers of `modules` in `wide`."""
    for name, first in modules[0]._parameters.items():
        values = [module.get_parameter(name).detach() for module in modules] if first is not None else []
        wide.register_parameter(name, nn.Parameter(torch.cat(values)) if values else None)
    for name, buffer in modules[0].named_buffers():
        buffers = [module.get_buffer(name) for module in modules]
        wide.register_buffer(name, torch.cat(buffers) if buffer.dim() else torch.stack(buffers))


def _concatenated(parameters: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """Concatenate parameters to one. They and their gradients become views of it. Returns an empty list for no parameters."""
    if not parameters:
        return []
    values = torch.cat([parameter.detach().flatten() for parameter in parameters])
    joined = nn.Parameter(functional.pad(values, (0, -len(values) % LANES)))
    joined.grad = torch.zeros_like(joined)
    start = 0
    for parameter in parameters:
        part = slice(start, start + parameter.numel())
        parameter.data, parameter.grad = joined.data[part].view_as(parameter), joined.grad[part].view_as(parameter)
        start = part.stop
    return [joined]


def _make_views(wide: nn.Module, networks: Sequence[nn.Module]) -> None:
    """Replace the parameters and buffers of `networks` by views of those of `wide`."""
    for name, parameter in wide.named_parameters():
        for network, part in zip(networks, parameter.data.chunk(len(networks)), strict=True):
            network.get_parameter(name).data = part
    for name, buffer in wide.named_buffers():
        for network, part in zip(networks, buffer.chunk(len(networks)), strict=True):
            module, _, buffer_name = name.rpartition(".")
            network.get_submodule(module).register_buffer(buffer_name, part.view_as(network.get_buffer(name)))
