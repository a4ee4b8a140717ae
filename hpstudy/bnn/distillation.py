"""Knowledge distillation from a trained network (Hinton et al., 2015, https://arxiv.org/abs/1503.02531), as used by ReActNet."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy


def distillation_loss(logits: Tensor, teacher: nn.Module, x: Tensor) -> Tensor:
    """Compute the mean cross-entropy between the class probabilities of teacher and student.

        L = -(1/n) sum over samples i and classes c of p_teacher(c | x_i) log p_student(c | x_i)

    It differs from their Kullback-Leibler divergence by the entropy of the teacher, which does not affect gradients. This is the
    distributional loss of ReActNet (Liu et al., 2020, https://arxiv.org/abs/2003.03488).

    Args:
        logits: (n, classes) logits of the student.
        teacher: returns (n, classes) logits; in evaluation mode.
        x: (n, ...) input of both networks.
    """
    with torch.no_grad():
        probabilities = teacher(x).softmax(1)
    return cross_entropy(logits, probabilities)
