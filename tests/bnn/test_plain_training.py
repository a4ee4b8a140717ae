"""Loops in plain PyTorch, written from docs/reference/methods.md, train the same networks as hpstudy.

They share only `derive_seed` with it. In double precision no rounding changes a sign, so all metrics agree.
"""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from hpstudy.bnn.batches import Data, InMemory
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.images import ImageTransform, statistics
from hpstudy.bnn.methods import METHODS
from hpstudy.bnn.networks.resnet20 import BiRealNet20
from hpstudy.bnn.networks.settings import ResNet20Settings
from hpstudy.bnn.settings import RealOptimizer, Surrogate, TrainSettings
from hpstudy.bnn.train import train
from hpstudy.seeds import derive_seed
from tests.support.networks import BATCH, CLASSES, FEATURES, ignore, make_data, make_network

SEED, EPOCHS = 7, 4
WIDTHS = [32] * 3
POINTS = [
    ("latent_sgd", {}),
    ("latent_sgd", {"learning_rate": 3.0, "init_scale": 2.0, "gamma": 0.4, "weight_decay": 0.02, "scaling": False}),
    ("filter", {}),
    ("filter", {"alpha": 0.05, "gamma": 0.6}),
]


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0).to(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (2 - 2 * x.abs()).clamp(min=0)


class Latent:
    """Eq. 2-4, with gradient clipping."""

    def __init__(self, z, learning_rate=0.1, init_scale=0.1, gamma=0.1, weight_decay=1e-4, scaling=True):
        self.w, self.m, self.theta = init_scale * z, 0, torch.where(z >= 0, 1.0, -1.0).to(z)
        self.epsilon, self.gamma, self.decay, self.scaling = learning_rate, gamma, weight_decay, scaling

    def weight(self):
        return self.theta * self.w.abs().flatten(1).mean(1).view(-1, *[1] * (self.w.dim() - 1)) if self.scaling else self.theta

    def update(self, grad, factor):
        self.m = (1 - self.gamma) * self.m + self.gamma * grad * (self.w.abs() <= 1)
        self.w = self.w - self.epsilon * factor * (self.m + self.decay * self.w)
        self.theta = self.w.sign()


class Filter:
    """Eq. 11-13."""

    def __init__(self, z, alpha=1e-3, gamma=0.1):
        self.m, self.g, self.theta = 0, 0, torch.where(z >= 0, 1.0, -1.0).to(z)
        self.alpha, self.gamma = alpha, gamma

    def weight(self):
        return self.theta

    def update(self, grad, factor):
        self.m = (1 - self.gamma) * self.m + self.gamma * grad
        self.g = (1 - self.alpha * factor) * self.g + self.alpha * factor * self.m
        self.theta = torch.where(self.g == 0, self.theta, -self.g.sign())


RULES = {"latent_sgd": Latent, "filter": Filter}


def generator(stream):
    return torch.Generator().manual_seed(derive_seed(SEED, stream))


def plain(network, decaying, shapes, rule, batches, evaluated):
    """Train for EPOCHS epochs and return the metrics.

    Args:
        network: (x, binary weights) -> logits; its other parameters are trained by SGD.
        decaying: the layers whose parameters decay.
        shapes: shapes of the binary weights.
        rule: normal numbers -> `Latent` or `Filter`.
        batches: batches of each epoch.
        evaluated: x and y of the parts "val" and "test".
    """
    weights = generator("weights")
    layers = [rule(torch.randn(shape, generator=weights, dtype=torch.float64)) for shape in shapes]
    others = {id(parameter) for module in decaying for parameter in module.parameters()}
    norms = [parameter for parameter in network.parameters() if id(parameter) not in others]
    groups = [{"params": [p for module in decaying for p in module.parameters()], "weight_decay": 1e-4}, {"params": norms}]
    sgd = torch.optim.SGD(groups, lr=0.05, momentum=0.9)
    total, never = sum(math.prod(shape) for shape in shapes), [torch.ones(shape, dtype=torch.bool) for shape in shapes]
    for epoch in range(EPOCHS):
        factor = (1 + math.cos(math.pi * epoch / EPOCHS)) / 2
        for group in sgd.param_groups:
            group["lr"] = 0.05 * factor
        network.train()
        losses, correct, flips, start = [], [], 0, [layer.theta for layer in layers]
        for x, y in batches():
            used = [layer.weight().clone().requires_grad_() for layer in layers]
            logits = network(x, used)
            loss = functional.cross_entropy(logits, y)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            losses.append(loss.item())
            correct.append((logits.argmax(1) == y).double().mean().item())
            for number, (layer, weight) in enumerate(zip(layers, used, strict=True)):
                before = layer.theta
                layer.update(weight.grad, factor)
                flips += int((layer.theta != before).sum())
                never[number] &= layer.theta == before
        changed = sum(int((layer.theta != before).sum()) for layer, before in zip(layers, start, strict=True))
    metrics = {
        "train_loss": sum(losses) / len(losses),
        "train_accuracy": sum(correct) / len(correct),
        "flip_ratio": flips / (total * len(losses)),
        "epoch_flip_rate": changed / total,
        "never_flipped": sum(int(mask.sum()) for mask in never) / total,
    }
    network.eval()
    with torch.no_grad():
        for part, (x, y) in evaluated.items():
            logits = network(x, [layer.weight() for layer in layers])
            metrics[f"{part}_accuracy"] = (logits.argmax(1) == y).double().mean().item()
            metrics[f"{part}_loss"] = functional.cross_entropy(logits, y).item()
    del metrics["test_loss"]
    return metrics


class PlainMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(FEATURES, WIDTHS[0], bias=False)
        nn.init.uniform_(self.first.weight, -(FEATURES**-0.5), FEATURES**-0.5, generator=generator("network"))
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in (*WIDTHS, CLASSES))

    def forward(self, x, weights):
        h = self.first(x)
        for norm, weight in zip(self.norms, weights, strict=False):
            h = Sign.apply(norm(h)) @ weight.T
        return self.norms[-1](h)


class PlainBiRealNet20(nn.Module):
    """Variant B."""

    def __init__(self, width, classes):
        super().__init__()
        drawn = generator("network")
        self.stem = nn.Conv2d(3, width, 3, padding=1, bias=False)
        nn.init.normal_(self.stem.weight, std=(2 / 27) ** 0.5, generator=drawn)
        self.classifier = nn.Linear(4 * width, classes)
        for parameter in (self.classifier.weight, self.classifier.bias):
            nn.init.uniform_(parameter, -((4 * width) ** -0.5), (4 * width) ** -0.5, generator=drawn)
        outputs = [width] * 6 + [2 * width] * 6 + [4 * width] * 6
        self.channels = list(zip([width, *outputs], outputs, strict=False))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in (width, *outputs))
        self.head = nn.BatchNorm1d(4 * width)

    def forward(self, x, weights):
        h = functional.hardtanh(self.norms[0](self.stem(x)))
        for (inputs, outputs), norm, weight in zip(self.channels, self.norms[1:], weights, strict=True):
            stride = outputs // inputs
            side = h.new_zeros(len(h), (outputs - inputs) // 2, *h[:, :, ::stride, ::stride].shape[2:])
            around = torch.cat([side, h[:, :, ::stride, ::stride], side], 1)
            h = functional.hardtanh(norm(functional.conv2d(Sign.apply(h), weight, stride=stride, padding=1)) + around)
        return self.classifier(self.head(h.mean((2, 3))))


@pytest.mark.parametrize(("name", "point"), POINTS)
def test_a_multilayer_perceptron_trains_as_in_a_plain_loop(name, point):
    data, order = make_data(dtype=torch.float64), generator("order")

    def batches():
        rows = torch.randperm(len(data.train.y), generator=order)
        return [(data.train.x[part], data.train.y[part]) for part in rows.split(BATCH)]

    network = PlainMLP().double()
    sizes = [*WIDTHS, CLASSES]
    evaluated = {part: (each.x, each.y) for part, each in (("val", data.validation), ("test", data.test))}
    expected = plain(
        network,
        [network.first],
        [(outputs, inputs) for inputs, outputs in itertools.pairwise(sizes)],
        lambda z: RULES[name](z, **point),
        batches,
        evaluated,
    )
    assert expected["flip_ratio"] > 0
    assert trained(make_network(dtype=torch.float64, seed=derive_seed(SEED, "network")), name, point, data, BATCH) == expected


@pytest.mark.parametrize(("name", "point"), POINTS[1:3])
def test_a_bi_realnet_20_trains_as_in_a_plain_loop(name, point):
    size, padding, width, batch, drawn = 8, 1, 4, 16, torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (3, 48, size, size, 3), generator=drawn, dtype=torch.uint8)
    classes = torch.randint(3, (3, 48), generator=drawn)
    mean, deviation = (torch.tensor(values, dtype=torch.float64) for values in statistics(pixels[0]))
    order, augmentation = generator("order"), generator("augmentation")

    def normalized(images):
        return ((images.double() / 255 - mean) / deviation).permute(0, 3, 1, 2)

    def batches():
        rows = torch.randperm(48, generator=order)
        corners = torch.randint(2 * padding + 1, (48, 2), generator=augmentation)
        mirrored = torch.randint(2, (48,), generator=augmentation)
        crops = []
        for row, (top, left), mirror in zip(rows, corners, mirrored, strict=True):
            framed = torch.zeros(size + 2 * padding, size + 2 * padding, 3, dtype=torch.uint8)
            framed[padding:-padding, padding:-padding] = pixels[0, row]
            crop = framed[top : top + size, left : left + size]
            crops.append(crop.flip(1) if mirror else crop)
        return zip(normalized(torch.stack(crops)).split(batch), classes[0, rows].split(batch), strict=True)

    network = PlainBiRealNet20(width, 3).double()
    expected = plain(
        network,
        [network.stem, network.classifier],
        [(outputs, inputs, 3, 3) for inputs, outputs in network.channels],
        lambda z: RULES[name](z, **point),
        batches,
        {part: (normalized(pixels[number]), classes[number]) for number, part in ((1, "val"), (2, "test"))},
    )
    data = Data(
        *(InMemory(*part) for part in zip(pixels, classes, strict=True)),
        transform=ImageTransform(mean.tolist(), deviation.tolist(), padding=padding, mirror=True, dtype=torch.float64),
    )
    ours = BiRealNet20(
        ResNet20Settings(variant="B", width=width),
        channels_in=3,
        classes=3,
        activation=BinaryActivation(Surrogate("approx_sign")),
        generator=generator("network"),
    )
    assert expected["flip_ratio"] > 0
    assert trained(ours.double(), name, point, data, batch) == expected


def trained(network, name, point, data, batch):
    method = METHODS.load(name)()
    settings = TrainSettings(epochs=EPOCHS, batch_size=batch, real_optimizer=RealOptimizer(learning_rate=0.05))
    metrics = train(network, method, method.Hyperparameters(**point), data, settings, seed=SEED, report=ignore)
    return pytest.approx(metrics, rel=1e-6)
