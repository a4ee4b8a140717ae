import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import kstest

from hpstudy.bnn.photographs import LIGHT_VALUES, LIGHT_VECTORS, PhotographTransform, crop_boxes
from hpstudy.bnn.teacher import import_models

MEAN, DEVIATION = [0.5, 0.25, 0.125], [0.5, 0.25, 2.0]
SHAPES = [(1, 1), (1, 2), (2, 3000), (3000, 2), (7, 7), (64, 64), (375, 500), (500, 375), (3, 4), (4, 3), (33, 100), (2000, 3)]


def transform(*, mirror=True, lighting=0.1):
    return PhotographTransform(MEAN, DEVIATION, mirror=mirror, lighting=lighting)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def photographs(n, *, size=6):
    numbers = np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)
    return torch.from_numpy(numbers)


def drawn(n, seed=0):
    return transform().draw(n, generator(seed))


def of_shape(height, width, n=400, *, smallest=0.08, draws=None):
    draws = drawn(n) if draws is None else draws
    return crop_boxes(draws, torch.tensor([[height, width]] * len(draws)), smallest)


def tries(draw, height, width, smallest):
    """Width and height of every try that fits, in plain Python."""
    for attempt in range(10):
        area = (smallest + (1 - smallest) * draw[attempt]) * height * width
        aspect = math.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * draw[10 + attempt])
        wide, tall = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < wide <= width and 0 < tall <= height:
            yield wide, tall


def piece(draw, height, width, smallest):
    """One piece in plain Python; None when no try fits."""
    for wide, tall in tries(draw, height, width, smallest):
        left, top = int(draw[20] * (width - wide + 1)), int(draw[21] * (height - tall + 1))
        return [left, top, left + wide, top + tall]
    return None


def random_resized_crop():
    import_models()
    from torchvision.transforms import RandomResizedCrop

    return RandomResizedCrop


@pytest.mark.parametrize("smallest", [0.08, 0.5, 1.0])
def test_pieces_are_those_of_a_loop_over_photographs(smallest):
    shapes, draws = SHAPES * 100, drawn(len(SHAPES) * 100)
    found = crop_boxes(draws, torch.tensor(shapes), smallest)
    expected = [piece(draw, *shape, smallest) for draw, shape in zip(draws.tolist(), shapes, strict=True)]
    fits = [each is not None for each in expected]
    assert {True, False} == set(fits)
    assert found[torch.tensor(fits)].tolist() == [each for each in expected if each is not None]


@pytest.mark.parametrize(
    ("height", "width"), [*SHAPES, (2, 3002), (3002, 2), (100, 133), (100, 134), (133, 100), (134, 100), (5, 8), (9, 5)]
)
def test_where_no_piece_fits_it_is_that_of_torchvision(height, width):
    too_large = 100.0
    picture = Image.new("L", (width, height))
    top, left, tall, wide = random_resized_crop().get_params(picture, [too_large, too_large], [3 / 4, 4 / 3])
    assert of_shape(height, width, 1, smallest=too_large).tolist() == [[left, top, left + wide, top + tall]]


@pytest.mark.parametrize(("height", "width"), SHAPES)
@pytest.mark.parametrize("smallest", [1e-6, 0.08, 1.0])
def test_a_piece_lies_within_the_photograph_and_has_a_pixel(height, width, smallest):
    left, top, right, bottom = of_shape(height, width, smallest=smallest).unbind(1)
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (left < right).all()
    assert (top < bottom).all()
    assert (right <= width).all()
    assert (bottom <= height).all()


def test_the_largest_number_that_can_be_drawn_stays_within_the_photograph():
    last = torch.full((1, 26), 1 - 2**-24)
    last[0, 10:20] = 0.5
    assert of_shape(3000, 4000, draws=last, smallest=0.5).tolist()[0][2:] == [4000, 3000]
    last[0, :10] = 0.0
    assert of_shape(3000, 4000, draws=last, smallest=0.5).tolist()[0][2:] == [4000, 3000]


def test_every_place_of_a_piece_is_drawn():
    left, top, right, bottom = of_shape(40, 40, n=4000, smallest=0.9).unbind(1)
    assert set(zip((right - left).tolist(), left.tolist(), strict=True)) >= {(39, 0), (39, 1), (37, 0), (37, 3)}
    assert set(zip((bottom - top).tolist(), top.tolist(), strict=True)) >= {(39, 0), (39, 1), (37, 0), (37, 3)}


def test_the_whole_of_a_square_photograph_is_its_own_piece():
    whole = torch.full((1, 26), 1 - 2**-24)
    whole[0, 10:20] = 0.5
    assert of_shape(50, 50, smallest=1.0, draws=whole).tolist() == [[0, 0, 50, 50]]


def test_areas_aspects_and_places_are_distributed_as_those_of_torchvision():
    height, width, n = 1500, 2000, 2000
    left, top, right, bottom = of_shape(height, width, n).double().unbind(1)
    get_params, picture = random_resized_crop().get_params, Image.new("L", (width, height))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        their = torch.tensor([get_params(picture, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(n)], dtype=torch.float64)
    their_top, their_left, tall, wide = their.unbind(1)
    ours = [(right - left) * (bottom - top), (right - left) / (bottom - top), left / (width - right + left + 1), top / height]
    theirs = [wide * tall, wide / tall, their_left / (width - wide + 1), their_top / height]
    for a, b in zip(ours, theirs, strict=True):
        assert kstest(a.numpy(), b.numpy()).pvalue > 0.01


def test_pieces_are_whole_pixels():
    assert of_shape(30, 40).dtype == torch.int64


def test_nothing_but_the_mirror_depends_on_the_settings():
    one, other = (
        transform(mirror=True, lighting=0.1).draw(60, generator()),
        transform(mirror=False, lighting=0).draw(60, generator()),
    )
    mirror = 22
    assert one.shape == (60, 26)
    assert one[:, mirror].any()
    assert not other[:, mirror].any()
    one[:, mirror] = 0
    assert torch.equal(one, other)


def test_draws_are_uniform_then_a_coin_then_normal():
    draws = drawn(4000)
    for column in range(22):
        assert kstest(draws[:, column].numpy(), "uniform").pvalue > 1e-4
    assert set(draws[:, 22].tolist()) == {0.0, 1.0}
    assert abs(draws[:, 22].mean().item() - 0.5) < 0.03
    for column in range(23, 26):
        assert kstest(draws[:, column].numpy(), "norm").pvalue > 1e-4


def test_the_same_generator_draws_the_same_and_another_does_not():
    assert torch.equal(drawn(5), drawn(5))
    assert not torch.equal(drawn(5), drawn(5, seed=1))


@pytest.mark.parametrize("lighting", [0.0, 0.1, 2.0])
@pytest.mark.parametrize("mirror", [True, False])
def test_training_photographs_are_those_of_the_formula(mirror, lighting):
    t, x = transform(mirror=mirror, lighting=lighting), photographs(20)
    draws = t.draw(20, generator())
    expected = []
    for picture, draw in zip(x.numpy(), draws.double().numpy(), strict=True):
        light = np.array(LIGHT_VECTORS) @ (lighting * draw[23:] * np.array(LIGHT_VALUES))
        seen = picture[:, ::-1] if draw[22] else picture
        expected.append(np.moveaxis((seen / 255 + light - MEAN) / DEVIATION, -1, 0))
    np.testing.assert_allclose(t(x, draws).numpy(), np.stack(expected), atol=2e-6)


def test_evaluation_photographs_are_normalized_only():
    x = photographs(4)
    expected = np.moveaxis((x.numpy() / 255 - MEAN) / DEVIATION, -1, 1)
    np.testing.assert_allclose(transform(lighting=5.0)(x, None).numpy(), expected, atol=1e-6)


def test_without_mirror_and_light_training_photographs_are_those_of_evaluation():
    t, x = transform(mirror=False, lighting=0.0), photographs(4)
    assert torch.equal(t(x, t.draw(4, generator())), t(x, None))


def test_the_directions_of_light_are_orthogonal():
    vectors = np.array(LIGHT_VECTORS)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=2e-4)


@pytest.mark.parametrize("augmented", [True, False])
def test_batches_are_floats_that_lie_in_memory_channels_last(augmented):
    t, x = transform(), photographs(4)
    seen = t(x, t.draw(4, generator()) if augmented else None)
    assert seen.dtype == torch.float32
    assert seen.shape == (4, 3, 6, 6)
    assert seen.is_contiguous(memory_format=torch.channels_last)


def test_the_bytes_are_left_alone():
    t, x = transform(), photographs(4)
    t(x, t.draw(4, generator()))
    assert torch.equal(x, photographs(4))


def test_the_constants_move_to_a_device_and_the_transform_is_itself():
    t = transform()
    assert t.to(torch.device("cpu")) is t
    moved = transform().to(torch.device("meta"))
    assert moved(photographs(2).to("meta"), drawn(2).to("meta")).device.type == "meta"
