"""Training settings of the task, which are the same in all views. Importable without torch, so that a study is checked fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from hpstudy.bnn.schedules import Decay, Per
from hpstudy.described import DescribedModel
from hpstudy.plugins import is_plugin

Activation = Literal["approx_sign", "ste_clip", "ede", "rbnn", "ovsw", "recu", "hardtanh", "relu"]
"""Activation before a binary layer; see `hpstudy.bnn.binarize`. The last two are real-valued, for reference networks."""


@dataclass(frozen=True)
class Surrogate:
    """An activation, with temperatures if its surrogate derivative becomes sharper during training.

    Attributes:
        name: the activation.
        t_min, t_max: temperature at the start and the end; None for the published value.
    """

    name: Activation
    t_min: float | None = None
    t_max: float | None = None


class RealOptimizer(DescribedModel):
    """Optimizer of the real-valued parameters (first layer, affine part of batch normalization). It is the same in all views."""

    name: Literal["sgd", "adam"] = "sgd"
    """SGD with momentum, or Adam."""
    learning_rate: float = Field(default=0.1, gt=0)
    """Initial step size."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of SGD; the first beta of Adam."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """L2 decay of weights; parameters of batch normalization are not decayed."""
    decay: Decay = "cosine"
    """Schedule of the learning rate."""
    decay_per: Per = "epoch"
    """How often the schedule is updated."""
    warmup_epochs: int = Field(default=0, ge=0)
    """Number of epochs over which the learning rate rises, as (e + 1) / warmup_epochs. Its schedule starts after the warm-up."""


class FirstStep(DescribedModel):
    """The first of two training steps: real weights with binary activations, from which the method of the view starts.

    The binary layers are trained by SGD (library convention), and the other parameters by `real_optimizer`. The second step starts with
    new optimizers and schedules. A method without latent weights starts from the signs. A method with latent weights starts from the
    weights, scaled to standard deviation 1 per layer and multiplied by its `init_scale`, which keeps its meaning. (Two steps are from
    AdamBNN, Liu et al., 2021, and ReActNet, Liu et al., 2020; the rescaling is ours.)
    """

    epochs: int = Field(ge=1)
    """Number of epochs of the first step."""
    learning_rate: float = Field(default=0.1, gt=0)
    """Initial learning rate of the weights of the binary layers."""
    momentum_rate: float = Field(default=0.1, gt=0, le=1)
    """1 - momentum for these weights."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """Weight decay of these weights."""
    decay: Decay = "cosine"
    """Schedule of their learning rate."""
    real_optimizer: RealOptimizer = RealOptimizer()
    """Optimizer of the parameters that are not binary."""


class Teacher(DescribedModel):
    """A trained network whose outputs replace the classes in the training loss (ReActNet, Liu et al., 2020)."""

    network: str
    """A classification network of torchvision ("resnet34"), or "my_module:make" for a function that returns a trained torch module."""
    weights: str | None = None
    """Published weights of a torchvision network ("IMAGENET1K_V1"). They are downloaded once."""

    @model_validator(mode="after")
    def _whole(self) -> Teacher:
        if is_plugin(self.network) and self.weights is not None:
            raise ValueError("weights are only for a network of torchvision: your own function must return a trained network")
        if not is_plugin(self.network) and self.weights is None:
            raise ValueError('weights are missing: for instance IMAGENET1K_V1; for your own network give "my_module:make"')
        return self


class TrainSettings(DescribedModel):
    """Settings of the training."""

    epochs: int = Field(default=10, ge=1)
    """Number of epochs, without those of a first step."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Training device. Devices round differently, so that the device is part of the study's identity."""
    precision: Literal["float32", "tf32"] = "float32"
    """Precision of convolutions and matrix products on CUDA. `tf32` rounds their factors to 10 bits and adds in float32: products of signs
    stay exact, gradients do not. (PyTorch's default for convolutions is `tf32`.)"""
    batch_size: int = Field(default=100, ge=2)
    """Samples per update. The incomplete last batch of an epoch is dropped."""
    activation: Activation = "approx_sign"
    """Activation before every binary layer, unless the method has its own."""
    real_optimizer: RealOptimizer = RealOptimizer()
    """Optimizer of the parameters that are not binary."""
    first_step: FirstStep | None = None
    """Train in two steps. Default: one step."""
    recalibrate: Literal["never", "end", "every_epoch"] = "never"
    """When batch normalization is recalibrated with fixed weights: before the last evaluation, or before every evaluation. Some methods
    always need a recalibration before every evaluation. A first step is never recalibrated."""
    calibration_batches: int = Field(default=20, ge=1)
    """Number of training batches of a recalibration; all batches if there are fewer."""
    top_k: int | None = Field(default=None, ge=2)
    """Also record the top-k accuracies for this k: val_top5_accuracy and test_top5_accuracy for 5."""
    layer_metrics: bool = False
    """Also record flip_ratio and never_flipped of every binary layer, as flip_ratio.layer1 and so on."""
    initial_weight_bins: int | None = Field(default=None, ge=2, le=100)
    """Also record histograms of every binary layer after the last epoch, with this number of bins: of the initial weights, and of the
    initial weights that never flipped, as initial.layer1.bin01, never_flipped.layer1.bin01 and so on."""

    @field_validator("precision")
    @classmethod
    def _precision_of_device(cls, precision: str, info: ValidationInfo) -> str:
        if precision == "tf32" and info.data.get("device") == "cpu":
            raise ValueError("precision tf32 needs device: cuda; a CPU computes in float32")
        return precision
