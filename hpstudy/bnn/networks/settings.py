"""Settings of the convolutional networks, and references to the networks. Importable without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from hpstudy.bnn.networks.interface import BuiltIn
from hpstudy.described import DescribedModel

Variant = Literal["A", "B", "C", "D", "E"]
"""One of the published layouts of Bi-RealNet-20; see `hpstudy.bnn.networks.resnet20`."""


class ResNet20Settings(DescribedModel):
    """Settings of ResNet-20 and Bi-RealNet-20."""

    variant: Variant = "B"
    """Layout: A, B, C, D or E. The default is the layout of IR-Net and RBNN."""
    width: int = Field(default=16, ge=2, multiple_of=2)
    """Channels of the first stage; the other stages have 2 and 4 times this number."""


class ResNet18Settings(DescribedModel):
    """Settings of ResNet-18."""

    downsampling: Literal["binary", "real", "pooled"] = "binary"
    """Shortcuts between stages: binary (RBNN, OvSW) or real (IR-Net) 1x1 convolutions, or pooled: means and zero channels (ReCU)."""
    width: int = Field(default=64, ge=1)
    """Channels of the first stage; every further stage doubles them."""

    @model_validator(mode="after")
    def _as_many_zero_channels_on_both_sides(self) -> ResNet18Settings:
        if self.downsampling == "pooled" and self.width % 2:
            raise ValueError(f"width is {self.width}, but downsampling: pooled needs an even width")
        return self


class VGGSmallSettings(DescribedModel):
    """Settings of VGG-small."""

    width: int = Field(default=128, ge=1)
    """Channels of the first convolution; they double after every pooling except the last."""
    input_size: int = Field(default=32, ge=8)
    """Height and width of the images. The size of the classifier depends on it."""


class BinaryNetSettings(DescribedModel):
    """Settings of BinaryNet."""

    width: int = Field(default=128, ge=1)
    """Channels of the first convolution; they double after every pooling except the last."""
    dense_units: int = Field(default=1024, ge=1)
    """Outputs of each hidden fully connected layer."""
    input_size: int = Field(default=32, ge=10)
    """Height and width of the images. The size of the first fully connected layer depends on it."""


class ReActNetASettings(DescribedModel):
    """Settings of ReActNet-A."""

    width: int = Field(default=32, ge=1)
    """Channels of the first convolution; the last block has 32 times this number."""


BIREALNET20 = BuiltIn(ResNet20Settings, "hpstudy.bnn.networks.resnet20:BiRealNet20")
RESNET20 = BuiltIn(ResNet20Settings, "hpstudy.bnn.networks.resnet20:ResNet20")
RESNET18 = BuiltIn(ResNet18Settings, "hpstudy.bnn.networks.resnet18:ResNet18")
VGG_SMALL = BuiltIn(VGGSmallSettings, "hpstudy.bnn.networks.vgg_small:VGGSmall")
BINARYNET = BuiltIn(BinaryNetSettings, "hpstudy.bnn.networks.binarynet:BinaryNet")
REACTNET_A = BuiltIn(ReActNetASettings, "hpstudy.bnn.networks.reactnet:ReActNetA")
