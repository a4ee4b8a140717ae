import math

import numpy as np
import pytest

from hpstudy.analysis.sweeps.layers import layers
from hpstudy.analysis.sweeps.points import SweepView
from hpstudy.metric_names import of_layer


def view(**values):
    """A view of one replicate of two points with metrics whose dots are written as underscores twice."""
    found = {name.replace("__", "."): np.array([value], dtype=float) for name, value in values.items()}
    return SweepView("a", ({}, {}), (), {"score": np.zeros((1, 2)), **found}, np.zeros(0, dtype=np.int64), {})


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("flip_ratio.layer1", ("flip_ratio", 1, 0)),
        ("never_flipped.layer12.bin07", ("never_flipped", 12, 7)),
        ("never_flipped", None),
        ("never_flipped.layer", None),
        ("layer1", None),
        ("a.layer1.bin2.mean", None),
    ],
)
def test_the_name_of_a_metric_says_whether_it_is_of_a_layer(name, parts):
    assert of_layer(name) == parts


def test_layers_are_in_the_order_of_their_numbers():
    found = layers(view(never_flipped__layer10=[0.1, 0.2], never_flipped__layer2=[0.3, 0.4]))
    assert found.numbers == (2, 10)
    assert found.never.tolist() == [[[0.3, 0.1], [0.4, 0.2]]]
    assert found.edges.size == 0


def test_without_shares_of_layers_there_is_nothing():
    assert layers(view(never_flipped=[0.1, 0.2], flip_ratio__layer1=[0.1, 0.2])) is None


def test_bins_have_their_places_and_lie_between_three_deviations_on_either_side():
    bins = {
        f"{name}__layer1__bin{at}": [at / 10, at / factor]
        for name, factor in (("initial", 10), ("never_flipped", 20))
        for at in (3, 1, 2)
    }
    found = layers(view(never_flipped__layer1=[0.5, 0.25], **bins))
    assert found.edges.tolist() == [-3, -1, 1, 3]
    assert found.initial[0, 1, 0].tolist() == [0.1, 0.2, 0.3]
    assert found.still[0, 1, 0].tolist() == [0.05, 0.1, 0.15]
    assert found.never.tolist() == [[[0.5], [0.25]]]


def test_where_only_bins_were_recorded_a_layers_share_is_their_sum():
    bins = {f"{name}__layer1__bin{at}": [0.125, math.nan] for name in ("initial", "never_flipped") for at in (1, 2)}
    assert layers(view(**bins)).never[0, :, 0].tolist() == pytest.approx([0.25, math.nan], nan_ok=True)
