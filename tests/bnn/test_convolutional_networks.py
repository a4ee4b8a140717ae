import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from hpstudy.bnn.binarize import BinaryActivation
from hpstudy.bnn.layers import BINARY_LAYERS, binary_weights, real_parameters
from hpstudy.bnn.networks import NETWORKS
from hpstudy.bnn.networks.binarynet import BinaryNet
from hpstudy.bnn.networks.residual import BinaryBlock
from hpstudy.bnn.networks.resnet20 import BiRealNet20, ResNet20
from hpstudy.bnn.networks.shortcuts import ZeroChannels, pooled_and_padded, sliced_and_padded
from hpstudy.bnn.settings import Surrogate
from hpstudy.errors import UsageError
from hpstudy.plugins import load_callable

NARROW = {
    "birealnet20": {"width": 4},
    "resnet20": {"width": 4},
    "resnet18": {"width": 4},
    "vgg_small": {"width": 4},
    "binarynet": {"width": 4, "dense_units": 8},
    "reactnet_a": {"width": 4},
}
EVERY_NETWORK = [
    *((name, "variant", variant) for name in ("birealnet20", "resnet20") for variant in "ABCDE"),
    ("resnet18", "downsampling", "binary"),
    ("resnet18", "downsampling", "real"),
    ("resnet18", "downsampling", "pooled"),
    *((name, "width", 4) for name in ("vgg_small", "binarynet", "reactnet_a")),
]
every_network = pytest.mark.parametrize(
    ("name", "settings"),
    [pytest.param(name, {**NARROW[name], key: value}, id=f"{name}-{value}") for name, key, value in EVERY_NETWORK],
)


def make(name, settings, *, channels_in=3, classes=10, seed=0, surrogate="approx_sign"):
    entry = NETWORKS.load(name)
    return entry(
        entry.Settings(**settings),
        channels_in=channels_in,
        classes=classes,
        activation=BinaryActivation(Surrogate(surrogate)),
        generator=torch.Generator().manual_seed(seed),
    )


def with_signs(network):
    """The network with random signs for binary weights, so that its filters differ."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in binary_weights(network):
            weight.copy_(torch.randint(0, 2, weight.shape, generator=generator) * 2 - 1)
    return network


def images(batch=4, size=32, dtype=torch.float32):
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(2), dtype=dtype)


@pytest.mark.parametrize("name", ["birealnet20", "resnet20"])
@pytest.mark.parametrize(("variant", "total"), [("A", 269_722), ("B", 269_850), ("C", 272_474), ("D", 270_202), ("E", 269_850)])
def test_a_network_of_20_layers_has_as_many_parameters_as_published_code(name, variant, total):
    network = make(name, {"variant": variant})
    assert sum(weight.numel() for weight in binary_weights(network)) == 267_264
    assert sum(p.numel() for p in network.parameters()) == total


def test_every_stage_of_bi_realnet_20_has_its_binary_weights():
    weights = binary_weights(make("birealnet20", {}))
    assert [sum(weight.numel() for weight in weights[i : i + 6]) for i in (0, 6, 12)] == [13_824, 50_688, 202_752]


@pytest.mark.parametrize(
    ("name", "settings", "classes", "binary", "total"),
    [
        ("resnet18", {"downsampling": "binary"}, 10, 11_157_504, 11_174_986),
        ("resnet18", {"downsampling": "real"}, 10, 10_985_472, 11_174_986),
        ("resnet18", {"downsampling": "pooled"}, 10, 10_985_472, 11_001_162),
        ("vgg_small", {}, 10, 4_571_136, 4_660_106),
        ("binarynet", {}, 10, 10_352_000, 10_352_000 + 3_850),
        ("reactnet_a", {}, 1000, 28_253_184, 28_253_184 + 1_090_408),
    ],
)
def test_a_network_has_as_many_parameters_as_published_code(name, settings, classes, binary, total):
    network = make(name, settings, classes=classes)
    assert sum(weight.numel() for weight in binary_weights(network)) == binary
    assert sum(p.numel() for p in network.parameters()) == total


def test_the_default_variant_is_that_of_ir_net():
    assert NETWORKS.load("birealnet20").Settings().variant == "B"


@every_network
def test_a_network_turns_images_into_one_logit_per_class(name, settings):
    assert make(name, settings, classes=100)(images()).shape == (4, 100)


@every_network
def test_a_network_takes_images_with_any_number_of_channels(name, settings):
    assert make(name, settings, channels_in=1)(images()[:, :1]).shape == (4, 10)


@every_network
def test_binary_layers_see_signs_only(name, settings):
    network, seen = with_signs(make(name, settings)), []
    for module in network.modules():
        if isinstance(module, BINARY_LAYERS):
            module.register_forward_pre_hook(lambda module, inputs: seen.append((module, inputs[0])))
    x = images()
    network(x)
    assert len(seen) == len(binary_weights(network))
    if name == "binarynet":
        first, image = seen.pop(0)
        assert first is network.first
        assert image is x
    assert all(set(a.unique().tolist()) == {-1.0, 1.0} for _, a in seen)


@every_network
def test_gradients_reach_every_parameter(name, settings):
    network = with_signs(make(name, settings))
    nn.functional.cross_entropy(network(images(batch=16)), torch.arange(16) % 10).backward()
    assert [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@every_network
def test_the_generator_alone_decides_the_initial_weights(name, settings):
    torch.manual_seed(1)
    first = make(name, settings, seed=4).state_dict()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again = make(name, settings, seed=4).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    other = make(name, settings, seed=5).state_dict()
    differ = {key for key in first if not torch.equal(first[key], other[key])}
    real = {
        f"{key}.{parameter}"
        for key, module in make(name, settings).named_modules()
        if isinstance(module, (nn.Conv2d, nn.Linear))
        for parameter, _ in module.named_parameters()
    }
    assert differ == real


@every_network
def test_a_method_finds_plus_one_in_every_binary_layer(name, settings):
    assert all(bool((weight == 1).all()) for weight in binary_weights(make(name, settings)))


@every_network
def test_every_parameter_is_binary_decaying_or_of_a_normalization(name, settings):
    network = make(name, settings)
    decaying, norms = real_parameters(network)
    groups = [*binary_weights(network), *decaying, *norms]
    assert sorted(map(id, groups)) == sorted(map(id, network.parameters()))
    of_norms = [p for m in network.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)) for p in m.parameters()]
    assert sorted(map(id, norms)) == sorted(map(id, of_norms))


@every_network
def test_the_memory_format_changes_nothing_but_the_order_in_memory(name, settings):
    network, x = with_signs(make(name, settings)).double(), images(dtype=torch.float64)
    expected = network(x)
    network.to(memory_format=torch.channels_last)
    found = network(x.contiguous(memory_format=torch.channels_last))
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected)


@every_network
def test_maps_stay_in_channels_last_order(name, settings):
    network, orders = make(name, settings).to(memory_format=torch.channels_last), []
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d, *BINARY_LAYERS)):
            module.register_forward_pre_hook(
                lambda module, inputs: orders.append(
                    inputs[0].dim() == 2 or inputs[0].is_contiguous(memory_format=torch.channels_last)
                )
            )
    network(images().contiguous(memory_format=torch.channels_last))
    assert all(orders)


@pytest.mark.parametrize("name", ["birealnet20", "resnet20", "resnet18", "reactnet_a"])
@pytest.mark.parametrize("size", [35, 48])
def test_a_network_with_a_global_mean_takes_images_of_any_size(name, size):
    assert make(name, NARROW[name])(images(batch=2, size=size)).shape == (2, 10)


@pytest.mark.parametrize("variant", "ABCDE")
def test_shortcuts_of_every_variant_fit_odd_sizes(variant):
    assert make("birealnet20", {"width": 4, "variant": variant})(images(batch=2, size=33)).shape == (2, 10)


@pytest.mark.parametrize("name", ["vgg_small", "binarynet"])
def test_a_network_with_fully_connected_maps_says_which_size_it_takes(name):
    network = make(name, {**NARROW[name], "input_size": 28})
    assert network(images(size=28)).shape == (4, 10)
    with pytest.raises(UsageError, match="28 x 28 pixels, got 32 x 32"):
        network(images())


def test_plain_and_bi_real_networks_differ_only_in_where_the_shortcuts_are():
    plain, bireal = (make(name, {"width": 4}) for name in ("resnet20", "birealnet20"))
    assert [type(module) for module in list(plain.modules())[1:]] == [type(module) for module in list(bireal.modules())[1:]]
    state = bireal.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in plain.state_dict().items())
    assert not torch.equal(with_signs(plain)(images()), with_signs(bireal)(images()))
    for block in bireal.blocks:
        block.shortcuts = "pair"
    assert torch.equal(plain(images()), bireal(images()))


def block_of(shortcuts, nonlinearity):
    block = BinaryBlock(
        1,
        1,
        activation=BinaryActivation(Surrogate("approx_sign")),
        nonlinearity=nonlinearity,
        shortcut=nn.Identity(),
        shortcuts=shortcuts,
    )
    return block.eval()


def test_a_block_adds_its_input_after_every_convolution_or_after_both():
    # One pixel of value 0.25: each convolution of it is sign times weight, +1. Evaluated with running mean 0 and variance 1,
    # normalization divides by sqrt(1 + 1e-5).
    x, unit = torch.full((1, 1, 1, 1), 0.25), (1 + 1e-5) ** -0.5
    assert block_of("every", nn.Identity())(x).item() == pytest.approx(0.25 + 2 * unit)
    assert block_of("pair", nn.Identity())(x).item() == pytest.approx(0.25 + unit)


def test_a_blocks_nonlinearity_follows_the_addition():
    x, unit = torch.full((1, 1, 1, 1), -0.25), (1 + 1e-5) ** -0.5
    # "every": h = clip(-unit - 0.25) = -1, y = clip(-unit - 1) = -1; "pair": h = -unit, y = clip(-unit - 0.25) = -1.
    assert block_of("every", nn.Hardtanh())(x).item() == -1.0
    assert block_of("pair", nn.Hardtanh())(x).item() == -1.0
    # A doubling: h = 2 (-unit - 0.25), y = 2 (-unit + h) = -6 unit - 1; "pair": y = 2 (-unit - 0.25).
    doubling = nn.PReLU(init=2.0)
    assert block_of("every", doubling)(x).item() == pytest.approx(-6 * unit - 1)
    assert block_of("pair", doubling)(x).item() == pytest.approx(-2 * unit - 0.5)


def test_a_binary_convolution_sees_zeros_beyond_the_border():
    # All weights +1, all pixels positive: a corner of a 3 x 3 image has 4 pixels under its filter, an edge 6, the middle 9.
    conv = make("birealnet20", {"width": 4}).blocks[0].conv1
    found = conv(torch.ones(1, 4, 3, 3))[0, 0] / 4
    assert found.tolist() == [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]


def test_option_a_takes_every_second_pixel_and_puts_zero_channels_on_both_sides():
    x = torch.arange(18.0).view(1, 2, 3, 3)
    found = sliced_and_padded(2, 4)(x)
    assert found.shape == (1, 4, 2, 2)
    assert found[0].tolist() == [
        [[0.0, 0.0], [0.0, 0.0]],
        [[0.0, 2.0], [6.0, 8.0]],
        [[9.0, 11.0], [15.0, 17.0]],
        [[0.0, 0.0], [0.0, 0.0]],
    ]


def test_a_pooled_shortcut_averages_two_by_two_pixels_and_a_last_odd_row_alone():
    x = torch.tensor([[1.0, 3.0, 5.0], [5.0, 7.0, 9.0], [2.0, 4.0, 6.0]]).expand(1, 2, 3, 3)
    found = pooled_and_padded(2, 4)(x)
    assert found[0, 0].abs().sum() == found[0, 3].abs().sum() == 0
    assert found[0, 1].tolist() == found[0, 2].tolist() == [[4.0, 7.0], [3.0, 6.0]]


def test_only_variant_c_has_parameters_in_its_shortcuts():
    counts = {}
    for variant in "ABCDE":
        shortcuts = [block.shortcut for block in make("birealnet20", {"variant": variant}).blocks]
        counts[variant] = [sum(p.numel() for p in shortcut.parameters()) for shortcut in shortcuts]
    nothing = [0] * 9
    # 16 x 32 weights and 2 x 32 of the normalization; 32 x 64 and 2 x 64.
    assert counts == {"A": nothing, "B": nothing, "D": nothing, "E": nothing, "C": [0, 0, 0, 576, 0, 0, 2176, 0, 0]}


@pytest.mark.parametrize(
    ("variant", "nonlinearity", "head"),
    [
        ("A", nn.Identity, nn.Identity),
        ("B", nn.Hardtanh, nn.BatchNorm1d),
        ("C", nn.Identity, nn.Identity),
        ("D", nn.PReLU, nn.BatchNorm1d),
        ("E", nn.Hardtanh, nn.BatchNorm1d),
    ],
)
def test_a_variant_has_its_nonlinearity_and_head(variant, nonlinearity, head):
    network = make("birealnet20", {"variant": variant})
    assert {type(block.nonlinearity) for block in network.blocks} == {type(network.stem[-1])} == {nonlinearity}
    assert type(network.head[0]) is head


@pytest.mark.parametrize(("name", "kind"), [("birealnet20", BiRealNet20), ("resnet20", ResNet20), ("binarynet", BinaryNet)])
def test_a_name_of_the_table_makes_its_class(name, kind):
    assert type(make(name, NARROW[name])) is kind


@pytest.mark.parametrize("name", list(NETWORKS))
def test_a_subclass_of_a_built_in_network_has_its_settings(name):
    network = NETWORKS.load(name)
    assert type("Own", (load_callable(network.target),), {}).Settings is network.Settings


@pytest.mark.parametrize(("downsampling", "layers"), [("binary", 19), ("real", 16), ("pooled", 16)])
def test_shortcuts_of_resnet_18_count_as_binary_layers_where_they_are_binary(downsampling, layers):
    assert len(binary_weights(make("resnet18", {"width": 4, "downsampling": downsampling}))) == layers


def test_the_default_shortcuts_of_resnet_18_are_binary():
    assert NETWORKS.load("resnet18").Settings().downsampling == "binary"


def test_pooled_shortcuts_of_resnet_18_are_means_between_channels_of_zeros():
    network, x = make("resnet18", {"width": 4, "downsampling": "pooled"}), images()[:, :1].expand(-1, 4, -1, -1)
    around = network.blocks[2].shortcut(x)
    assert around.shape == (4, 8, 16, 16)
    assert not around[:, [0, 1, 6, 7]].any()
    torch.testing.assert_close(around[:, 2:6, 0, 0], x[:, :, :2, :2].mean((2, 3)))


def test_pooled_shortcuts_of_resnet_18_need_an_even_width():
    with pytest.raises(ValidationError, match="width is 5, but downsampling: pooled needs an even width"):
        NETWORKS.load("resnet18").Settings(width=5, downsampling="pooled")


def test_a_block_of_resnet_18_has_one_shortcut_and_clips_after_it():
    network = make("resnet18", {"width": 4, "downsampling": "real"})
    assert len(network.stem) == 2
    block = network.blocks[1]
    block.norm2.weight.data.zero_()
    x = images()[:, :1].expand(-1, 4, -1, -1)
    # Without what the second convolution adds, a single shortcut leaves the clipped input; two would leave part of the first's.
    torch.testing.assert_close(block(x), x.clamp(-1, 1))


def test_binarynet_has_no_scale_anywhere_and_nothing_real_but_shifts():
    decaying, norms = real_parameters(make("binarynet", {}))
    assert decaying == []
    assert [shift.numel() for shift in norms] == [128, 128, 256, 256, 512, 512, 1024, 1024, 10]


@pytest.mark.parametrize(("index", "branches", "stride"), [(0, 2, 1), (1, 2, 2), (2, 1, 1)])
def test_without_its_convolutions_a_block_of_reactnet_is_its_shortcuts(index, branches, stride):
    block = make("reactnet_a", {"width": 4}).blocks[index]
    for norm in (block.norm, *(branch[1] for branch in block.branches)):
        norm.weight.data.zero_()
    x = torch.randn(2, block.conv.weight.shape[1], 8, 8, generator=torch.Generator().manual_seed(3))
    mean = x if stride == 1 else x.view(2, -1, 4, 2, 4, 2).mean((3, 5))
    # Two PReLU of slope 1/4 divide what is negative by 16.
    expected = torch.where(mean > 0, mean, mean / 16)
    torch.testing.assert_close(block(x), torch.cat([expected] * branches, dim=1))


@pytest.mark.parametrize(
    ("name", "norms", "sizes"),
    [("vgg_small", "norms", [32, 16, 16, 8, 8, 4]), ("binarynet", "conv_norms", [30, 15, 15, 7, 7, 3])],
)
def test_maps_are_pooled_before_they_are_normalized(name, norms, sizes):
    network, seen = make(name, NARROW[name]), []
    for norm in getattr(network, norms):
        norm.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape[-1]))
    network(images())
    assert seen == sizes


def test_the_classifier_of_vgg_small_sees_clipped_values():
    network, seen = make("vgg_small", {"width": 4}), []
    network.classifier.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network(images())
    assert seen[0].abs().max() == 1
    assert len(seen[0].unique()) > 2


def test_binarynet_normalizes_with_the_constants_of_keras_and_no_scale():
    norm = make("binarynet", NARROW["binarynet"]).dense_norms[0]
    norm(torch.tensor([[1.0] * 8, [3.0] * 8]))
    torch.testing.assert_close(norm.running_mean, torch.full((8,), 0.02))
    found = norm.eval()(torch.ones(1, 8))
    # Running variance: 0.99 + 0.01 times the unbiased 2.
    torch.testing.assert_close(found, torch.full((1, 8), (1 - 0.02) / (1.01 + 0.001) ** 0.5))


def test_reactnet_halves_the_map_in_four_of_its_blocks():
    network = make("reactnet_a", {"width": 4})
    strides = [block.conv.stride for block in network.blocks]
    assert [index for index, stride in enumerate(strides) if stride == 2] == [1, 3, 5, 11]
    assert [type(block.shortcut) is nn.AvgPool2d for block in network.blocks] == [stride == 2 for stride in strides]


def test_the_sign_of_reactnet_comes_after_a_learned_shift():
    block, seen = make("reactnet_a", {"width": 4}).blocks[0], []
    block.conv.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.full((2, 4, 4, 4), 0.5)
    block(x)
    block.shift1.bias.data.copy_(torch.tensor([-1.0, 0.0, -1.0, 0.0]))
    block(x)
    assert [a[0, :, 0, 0].tolist() for a in seen] == [[1, 1, 1, 1], [-1, 1, -1, 1]]


def test_real_convolutions_start_with_variance_two_over_fan_in_and_classifiers_as_torch_makes_them():
    network = make("resnet18", {"downsampling": "real", "width": 64}, classes=1000)
    conv = network.blocks[-2].shortcut[0].weight
    assert conv.shape == (512, 256, 1, 1)
    assert conv.var().item() == pytest.approx(2 / 256, rel=0.02)
    linear = network.head[1]
    for parameter in (linear.weight, linear.bias):
        assert parameter.abs().max() <= 512**-0.5
        assert parameter.var().item() == pytest.approx(1 / (3 * 512), rel=0.1)


@every_network
def test_the_activation_is_used_as_given(name, settings):
    network, calls = make(name, settings, surrogate="hardtanh"), []
    assert network.activation.name == "hardtanh"
    assert [module for module in network.modules() if isinstance(module, BinaryActivation)] == [network.activation]
    network.activation.register_forward_hook(lambda module, inputs, output: calls.append(output))
    network(images())
    # Both branches of a ReActNet block share an activation; BinaryNet's first layer has none.
    shared = 5 if name == "reactnet_a" else 1 if name == "binarynet" else 0
    assert len(calls) == len(binary_weights(network)) - shared


def test_an_odd_width_is_refused_where_zero_channels_could_not_be_centered():
    with pytest.raises(ValidationError, match="multiple of 2"):
        NETWORKS.load("birealnet20").Settings(width=7)
    assert ZeroChannels(4, 8).each_side == 2


def test_settings_of_every_network_are_known_without_torch():
    program = (
        "import sys; from hpstudy.bnn.networks import NETWORKS; [NETWORKS.load(name).Settings() for name in NETWORKS]; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
