"""Training towards the outputs of a network that is trained already (Hinton et al., 2015), as ReActNet does."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy


def distillation_loss(logits: Tensor, teacher: nn.Module, x: Tensor) -> Tensor:
    """Mean cross-entropy between the class probabilities of teacher and student (the distributional loss of Liu et al., 2020, ReActNet).

        L = -(1/n) sum over samples i and classes c of p_teacher(c | x_i) log p_student(c | x_i)

    It differs from their Kullback-Leibler divergence by the entropy of the teacher, which no gradient depends on.

    Args:
        logits: (n, classes) of the student.
        teacher: gives (n, classes) logits; in evaluation mode.
        x: (n, ...) what both see.
    """
    with torch.no_grad():
        probabilities = teacher(x).softmax(1)
    return cross_entropy(logits, probabilities)
