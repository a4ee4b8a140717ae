"""Binary networks: layers, training methods, training. This package does not depend on studies.

In this package "the paper" is Quist, Li and van Gemert, "Understanding weight-magnitude hyperparameters in training binary networks",
ICLR 2023 (https://arxiv.org/abs/2303.02452). Equation numbers without a name refer to it.
"""
