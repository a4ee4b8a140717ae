"""Settings of training that belong to the task, not to a view. Importable without torch, so that a study is checked fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from hpstudy.bnn.schedules import Decay, Per
from hpstudy.plugins import is_plugin

Activation = Literal["approx_sign", "ste_clip", "ede", "rbnn", "ovsw", "recu", "hardtanh", "relu"]
"""An activation in front of a binary layer; see `hpstudy.bnn.binarize`. The last two are real-valued, for reference networks."""


@dataclass(frozen=True)
class Surrogate:
    """An activation, with the temperatures of those whose surrogate derivative sharpens over training.

    Attributes:
        name: the activation.
        t_min, t_max: its temperature at the start and the end; None for the published value.
    """

    name: Activation
    t_min: float | None = None
    t_max: float | None = None


class Settings(BaseModel):
    """A block of settings: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RealOptimizer(Settings):
    """How the real-valued parameters are trained: first layer, affine part of batch normalisation. The same in all views."""

    name: Literal["sgd", "adam"] = "sgd"
    """SGD with momentum, or Adam."""
    learning_rate: float = Field(default=0.1, gt=0)
    """Initial step size."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of SGD; the first beta of Adam."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """L2 decay of weights; parameters of batch normalisation are not decayed."""
    decay: Decay = "cosine"
    """Schedule of the learning rate."""
    decay_per: Per = "epoch"
    """How often the schedule moves."""
    warmup_epochs: int = Field(default=0, ge=0)
    """Number of epochs over which the learning rate rises, as (e + 1) / warmup_epochs; its schedule begins after them."""


class FirstStep(Settings):
    """The first of two steps: real weights behind binary activations, from which the view's method then starts.

    The binary layers are trained by SGD (library convention), the other parameters by `real_optimizer`. The second step starts with
    fresh optimizers and schedules. A method that keeps no latent weights takes the signs; one that does takes the weights, scaled
    in every layer to standard deviation 1 times its `init_scale`, which keeps its meaning so. (Two steps: Liu et al., 2021, AdamBNN; Liu et
    al., 2020, ReActNet; the rescaling is not theirs.)
    """

    epochs: int = Field(ge=1)
    """Passes over the training part."""
    learning_rate: float = Field(default=0.1, gt=0)
    """Of the weights that will be binary."""
    momentum_rate: float = Field(default=0.1, gt=0, le=1)
    """1 - momentum of the same."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """Weight decay of the same."""
    decay: Decay = "cosine"
    """Schedule of their learning rate."""
    real_optimizer: RealOptimizer = RealOptimizer()
    """For the parameters that are not binary."""


class Teacher(Settings):
    """A trained network whose outputs take the place of the classes in the loss of training (Liu et al., 2020, ReActNet)."""

    network: str
    """A classification network of torchvision ("resnet34"), or "my_module:make" for a function that returns a trained torch module."""
    weights: str | None = None
    """Of a network of torchvision: which of its published weights ("IMAGENET1K_V1"). They are fetched once."""

    @model_validator(mode="after")
    def _whole(self) -> Teacher:
        if is_plugin(self.network) and self.weights is not None:
            raise ValueError("weights are for a network of torchvision: a function of your own returns a network that is trained")
        if not is_plugin(self.network) and self.weights is None:
            raise ValueError('weights are missing: IMAGENET1K_V1, for instance; "my_module:make" is a network of your own')
        return self


class TrainSettings(Settings):
    """How long and in what portions a network is trained."""

    epochs: int = Field(default=10, ge=1)
    """Passes over the training part, without those of a first step."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where to train. Another device rounds differently, so it belongs to what determines a study's numbers."""
    precision: Literal["float32", "tf32"] = "float32"
    """Of convolutions and matrix products on CUDA. `tf32` rounds their factors to 10 bits and adds in float32: products of signs stay
    exact, gradients do not. (PyTorch's own default is `tf32` for convolutions.)"""
    batch_size: int = Field(default=100, ge=2)
    """Samples per update; the incomplete last batch of an epoch is left out."""
    activation: Activation = "approx_sign"
    """In front of every binary layer; methods that bring their own use that."""
    real_optimizer: RealOptimizer = RealOptimizer()
    """For the parameters that are not binary."""
    first_step: FirstStep | None = None
    """Train in two steps; in one when absent."""
    recalibrate: Literal["never", "end", "every_epoch"] = "never"
    """When the running statistics of batch normalisation are measured again, with fixed weights: before the last evaluation, or before
    every one (which some methods ask for by themselves). A first step is never recalibrated."""
    calibration_batches: int = Field(default=20, ge=1)
    """Training batches for that; all when there are fewer."""
    top_k: int | None = Field(default=None, ge=2)
    """Also record the top-k accuracies for this k: val_top5_accuracy and test_top5_accuracy for 5."""
    layer_metrics: bool = False
    """Also record flip_ratio and never_flipped of every binary layer, as flip_ratio.layer1 and so on."""
    initial_weight_bins: int | None = Field(default=None, ge=2, le=100)
    """Also record, after the last epoch and for every binary layer, the histogram of the initial weights, and of those that never
    flipped, in this number of bins, as initial.layer1.bin01, never_flipped.layer1.bin01 and so on."""

    @field_validator("precision")
    @classmethod
    def _precision_of_device(cls, precision: str, info: ValidationInfo) -> str:
        if precision == "tf32" and info.data.get("device") == "cpu":
            raise ValueError("precision tf32 needs device: cuda; a CPU computes in float32")
        return precision
