"""A function to study: train a small network on two interleaved spirals and return its validation accuracy."""

import math

import torch


def spirals(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """`count` noisy points of two spirals, x (count, 2), and the spiral of each, y (count,)."""
    label = torch.randint(2, (count,), generator=generator)
    radius = torch.rand(count, generator=generator).sqrt()
    angle = 3 * math.pi * radius + math.pi * label
    x = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    return x + 0.05 * torch.randn(count, 2, generator=generator), label


def train(params: dict, seed: int, report) -> dict[str, float]:
    """One training. `params` holds the constants, the view's fixed values and the tuned hyperparameters."""
    generator = torch.Generator().manual_seed(seed)
    x, y = spirals(1000, generator)
    x_val, y_val = spirals(2000, generator)
    width = params["width"]
    network = torch.nn.Sequential(
        torch.nn.Linear(2, width), torch.nn.ReLU(), torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, 2)
    )
    common = {"lr": params["learning_rate"], "weight_decay": params["weight_decay"]}
    if params["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(network.parameters(), momentum=params["momentum"], **common)
    else:
        optimizer = torch.optim.Adam(network.parameters(), betas=(params["beta1"], 0.999), **common)
    for epoch in range(1, params["epochs"] + 1):
        for rows in torch.randperm(len(x), generator=generator).split(50):
            loss = torch.nn.functional.cross_entropy(network(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (network(x_val).argmax(dim=1) == y_val).float().mean().item()
        report(epoch, val_accuracy=accuracy)
    return {"val_accuracy": accuracy}
