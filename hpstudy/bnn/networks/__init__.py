"""Binary networks: torch modules that do not depend on training methods.

`NETWORKS` is the registry of the published convolutional networks. `NETWORKS.load(name)` returns an object that has `Settings` and
creates the network when it is called (see `hpstudy.bnn.networks.interface`):

    make = NETWORKS.load("birealnet20")
    network = make(make.Settings(variant="D"), channels_in=3, classes=10, activation=activation, generator=generator)

Torch is imported by the call, not by `load`, so that a study's settings are checked without it. Your own network is a module class
with a class attribute `Settings` and a constructor with these arguments.
"""

from hpstudy.registry import Entry, Registry

NETWORKS = Registry(
    "network",
    'write a torch module class with Settings and name it "my_module:MyNetwork"',
    {
        "birealnet20": Entry("Bi-RealNet-20, one shortcut per convolution", "hpstudy.bnn.networks.settings:BIREALNET20"),
        "resnet20": Entry("ResNet-20, one shortcut per two convolutions", "hpstudy.bnn.networks.settings:RESNET20"),
        "resnet18": Entry("ResNet-18 for small images", "hpstudy.bnn.networks.settings:RESNET18"),
        "vgg_small": Entry("VGG-small: six convolutions, one classifier", "hpstudy.bnn.networks.settings:VGG_SMALL"),
        "binarynet": Entry("BinaryNet as in Bop: every layer is binary", "hpstudy.bnn.networks.settings:BINARYNET"),
        "reactnet_a": Entry("ReActNet-A, for ImageNet", "hpstudy.bnn.networks.settings:REACTNET_A"),
    },
)
