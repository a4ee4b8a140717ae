"""Evaluation of a trained network on a part of the data."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from hpstudy.bnn.batches import Data, Part, evaluation_batches


@dataclass(frozen=True)
class Evaluation:
    """Result of an evaluation.

    Attributes:
        loss: mean cross-entropy.
        accuracy: share of samples whose class has the largest output.
        top_k: k of the top-k accuracy; None without it.
        top_accuracy: share of samples whose class is among the `top_k` largest outputs; None without `top_k`.
    """

    loss: float
    accuracy: float
    top_k: int | None = None
    top_accuracy: float | None = None

    def metrics(self, part: str, *, loss: bool = True) -> dict[str, float]:
        """Return the result as metrics, for the part "val": val_accuracy, val_loss and val_top5_accuracy."""
        metrics = {f"{part}_accuracy": self.accuracy}
        if loss:
            metrics[f"{part}_loss"] = self.loss
        if self.top_accuracy is not None:
            metrics[f"{part}_top{self.top_k}_accuracy"] = self.top_accuracy
        return metrics


@torch.inference_mode()
def evaluate(network: nn.Module, data: Data, part: Part, top_k: int | None = None) -> Evaluation:
    """Evaluate a network on a part of `data`, with the running statistics of batch normalization.

    Args:
        network: is left in evaluation mode.
        data: its transform is used.
        part: a part of `data`.
        top_k: also compute the top-k accuracy for this k, at most the number of classes.
    """
    network.eval()
    logits = torch.cat([network(x) for x in evaluation_batches(data, part)])
    loss, accuracy = cross_entropy(logits, part.y).item(), (logits.argmax(1) == part.y).float().mean().item()
    if top_k is None:
        return Evaluation(loss, accuracy)
    among = (logits.topk(top_k, dim=1).indices == part.y[:, None]).any(1)
    return Evaluation(loss, accuracy, top_k, among.float().mean().item())
