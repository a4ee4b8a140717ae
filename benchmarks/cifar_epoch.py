"""An epoch of Bi-RealNet-20 on a CPU: hpstudy's training loop against a plain PyTorch loop, alternating in one run.

    python benchmarks/cifar_epoch.py
    python benchmarks/cifar_epoch.py --shrink 2 --batch 100

The plain loop is what is written by hand: a `Dataset` of PIL images with a chain of transforms per image, a `DataLoader` (in this
process, as the comparison is per core), the straight-through formulas of Bi-Real Net's public code, `torch.optim.SGD` over all
parameters, loss and accuracy by `.item()` at every update. The transforms are torchvision's, written out: not every build of
torch has a torchvision that loads.

Same images, layout (variant B), initial weights, batch size, number of updates and update rule (SGD with momentum as torch writes
it) on both sides, each on one thread; order and augmentation are drawn differently, so the training losses differ slightly.
Both sides' times contain an evaluation of 10 validation and 10 test images, and hpstudy's the making of its optimizers and the
counting of flips. Given are seconds of CPU time: on a machine that others use they are steadier than those of a clock.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from hpstudy.bnn.batches import Data, InMemory
from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.methods.latent_sgd import LatentSGD, LatentSGDHyperparameters
from hpstudy.bnn.optimizers import initial_noise
from hpstudy.bnn.settings import Surrogate
from hpstudy.bnn.train import train
from hpstudy.seeds import derive_seed
from hpstudy.tasks.cifar import Cifar, CifarSettings

LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, PADDING = 0.1, 0.9, 1e-4, 4
"""Of all parameters, on both sides; pixels."""

HYPERPARAMETERS = LatentSGDHyperparameters(
    learning_rate=LEARNING_RATE, gamma=1 - MOMENTUM, weight_decay=WEIGHT_DECAY, clipping="gradient", convention="library"
)


class PlainImages(Dataset):
    """Images as PIL images, transformed one by one."""

    def __init__(self, part: InMemory, transforms: list[Callable[[Any], Any]]) -> None:
        self.images, self.classes = part.x.numpy(), part.y.tolist()
        self.transforms = transforms

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.images[index])
        for transform in self.transforms:
            image = transform(image)
        return image, self.classes[index]

    def __len__(self) -> int:
        return len(self.classes)


def random_crop(image: Image.Image) -> Image.Image:
    """As torchvision's RandomCrop(size, padding=4)."""
    width, height = image.size
    image = ImageOps.expand(image, border=PADDING, fill=0)
    top = torch.randint(0, 2 * PADDING + 1, size=(1,)).item()
    left = torch.randint(0, 2 * PADDING + 1, size=(1,)).item()
    return image.crop((left, top, left + width, top + height))


def random_mirror(image: Image.Image) -> Image.Image:
    """As torchvision's RandomHorizontalFlip()."""
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if torch.rand(1) < 0.5 else image


def to_tensor(image: Image.Image) -> Tensor:
    """As torchvision's ToTensor()."""
    return torch.from_numpy(np.array(image, np.uint8, copy=True)).permute((2, 0, 1)).contiguous().to(torch.float32).div(255)


def normalize(mean: list[float], deviation: list[float]) -> Callable[[Tensor], Tensor]:
    """As torchvision's Normalize(mean, deviation)."""

    def apply(image: Tensor) -> Tensor:
        return image.clone().sub_(torch.as_tensor(mean).view(-1, 1, 1)).div_(torch.as_tensor(deviation).view(-1, 1, 1))

    return apply


class PlainActivation(nn.Module):
    """The sign with the piecewise polynomial behind it, as in Bi-Real Net's public code."""

    def forward(self, x: Tensor) -> Tensor:
        out_forward = torch.sign(x)
        mask1 = x < -1
        mask2 = x < 0
        mask3 = x < 1
        out1 = (-1) * mask1.type(torch.float32) + (x * x + 2 * x) * (1 - mask1.type(torch.float32))
        out2 = out1 * mask2.type(torch.float32) + (-x * x + 2 * x) * (1 - mask2.type(torch.float32))
        out3 = out2 * mask3.type(torch.float32) + 1 * (1 - mask3.type(torch.float32))
        return out_forward.detach() - out3.detach() + out3


class PlainConv(nn.Module):
    """A binary 3x3 convolution with channel-wise scales and clipped latent weights, as in Bi-Real Net's public code."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.rand(outputs, inputs, 3, 3) * 0.001)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        real = self.weights
        scale = real.abs().mean(dim=3, keepdim=True).mean(dim=2, keepdim=True).mean(dim=1, keepdim=True).detach()
        binary = scale * torch.sign(real)
        clipped = torch.clamp(real, -1.0, 1.0)
        return functional.conv2d(x, binary.detach() - clipped.detach() + clipped, stride=self.stride, padding=1)


class PlainBlock(nn.Module):
    """Two binary convolutions, each with a shortcut: a slice padded with zero channels where the size changes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.binary = PlainActivation()
        self.conv1 = PlainConv(inputs, outputs, stride=1 if inputs == outputs else 2)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = PlainConv(outputs, outputs, stride=1)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.added = (outputs - inputs) // 2

    def forward(self, x: Tensor) -> Tensor:
        shortcut = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.added, self.added)) if self.added else x
        x = functional.hardtanh(self.bn1(self.conv1(self.binary(x))) + shortcut)
        return functional.hardtanh(self.bn2(self.conv2(self.binary(x))) + x)


class PlainNetwork(nn.Module):
    """Bi-RealNet-20 in the layout of IR-Net's and RBNN's public code."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        widths = [width] * 4 + [2 * width] * 3 + [4 * width] * 3
        self.blocks = nn.Sequential(*(PlainBlock(*pair) for pair in itertools.pairwise(widths)))
        self.bn2 = nn.BatchNorm1d(4 * width)
        self.linear = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(functional.hardtanh(self.bn1(self.conv1(x))))
        x = functional.avg_pool2d(x, x.size()[3])
        return self.linear(self.bn2(x.view(x.size(0), -1)))


def plain_epoch(network: nn.Module, training: DataLoader, evaluations: list[DataLoader]) -> float:
    """Train for one epoch, then evaluate; the mean training loss."""
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    criterion = nn.CrossEntropyLoss()
    network.train()
    total_loss, correct, seen = 0.0, 0, 0
    for images, classes in training:
        optimizer.zero_grad()
        outputs = network(images)
        loss = criterion(outputs, classes)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(classes)
        correct += (outputs.argmax(1) == classes).sum().item()
        seen += len(classes)
    network.eval()
    with torch.no_grad():
        for evaluation in evaluations:
            for images, classes in evaluation:
                outputs = network(images)
                criterion(outputs, classes).item()
                (outputs.argmax(1) == classes).float().mean().item()
    return total_loss / seen


def plain_run(task: Cifar, data: Data, seed: int) -> Callable[[], float]:
    """A plain training of the network that hpstudy's training of this seed starts from."""
    torch.manual_seed(seed)
    given = hpstudy_network(task, seed)
    noise = initial_noise(given, torch.Generator().manual_seed(derive_seed(seed, "weights")))
    network = PlainNetwork(task.settings.network["width"], int(data.train.y.max()) + 1)
    with torch.no_grad():
        for mine, theirs in zip(network.parameters(), given.parameters(), strict=True):
            mine.copy_(theirs)
        for conv, z in zip((m for m in network.modules() if isinstance(m, PlainConv)), noise, strict=True):
            conv.weights.copy_(HYPERPARAMETERS.init_scale * z.view_as(conv.weights))
    pixels = data.train.x.numpy() / 255.0
    fixed = [to_tensor, normalize(pixels.mean((0, 1, 2)).tolist(), pixels.std((0, 1, 2)).tolist())]
    training = DataLoader(
        PlainImages(data.train, [random_crop, random_mirror, *fixed]), task.settings.batch_size, shuffle=True, drop_last=True
    )
    evaluations = [DataLoader(PlainImages(part, fixed), batch_size=250) for part in (data.validation, data.test)]
    return lambda: plain_epoch(network, training, evaluations)


def hpstudy_network(task: Cifar, seed: int) -> nn.Module:
    """The task's network before training."""
    return task.network(BinaryActivation(Surrogate("approx_sign")), torch.Generator().manual_seed(derive_seed(seed, "network")))


def hpstudy_run(task: Cifar, data: Data, seed: int) -> Callable[[], float]:
    """hpstudy's training of one epoch; the mean training loss."""
    network = hpstudy_network(task, seed)

    def run() -> float:
        return train(network, LatentSGD(), HYPERPARAMETERS, data, task.settings, seed=seed, report=ignore)["train_loss"]

    return run


def ignore(epoch: int, **metrics: float) -> None:
    """A report that goes nowhere."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="cifar10", help="an image set of `hpstudy list data`")
    parser.add_argument("--images", type=int, default=2_000, help="training images")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--shrink", type=int, default=1, choices=(1, 2, 4))
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each side")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = CifarSettings.model_validate(
        {
            "dataset": arguments.dataset,
            "images": {
                "train": arguments.images,
                "validation": 10,
                "test": 10,
                "shrink": arguments.shrink,
                "padding": PADDING,
            },
            "network": {"name": "birealnet20", "variant": "B", "width": arguments.width},
            "epochs": 1,
            "batch_size": arguments.batch,
            "real_optimizer": {"learning_rate": LEARNING_RATE, "momentum": MOMENTUM, "weight_decay": WEIGHT_DECAY},
        }
    )
    task = Cifar(settings)
    data = task.data()
    sides = {"plain loop": plain_run, "hpstudy": hpstudy_run}
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    losses: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(arguments.rounds + 1):
        for side, make in sides.items():
            run = make(task, data, seed=number)
            started = time.process_time()
            loss = run()
            if number:  # the first round warms up
                seconds[side].append(time.process_time() - started)
                losses[side].append(loss)
    print(f"{arguments.images} images, {'x'.join(map(str, data.train.x.shape[1:3]))}, width {arguments.width}, ", end="")
    print(f"batch {arguments.batch}, {arguments.images // arguments.batch} updates, {arguments.rounds} epochs of each side")
    print(f"{'':12}{'median s':>10}{'min':>8}{'max':>8}{'training loss':>16}")
    for side, taken in seconds.items():
        print(f"{side:12}{statistics.median(taken):>10.2f}{min(taken):>8.2f}{max(taken):>8.2f}", end="")
        print(f"{statistics.mean(losses[side]):>16.3f}")
    ratios = sorted(plain / own for plain, own in zip(seconds["plain loop"], seconds["hpstudy"], strict=True))
    print(f"ratio of neighbors: median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}")


if __name__ == "__main__":
    main()
