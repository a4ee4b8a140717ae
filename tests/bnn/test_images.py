import numpy as np
import pytest
import torch

from hpstudy.bnn.batches import Data, InMemory, epoch_batches, evaluation_batches
from hpstudy.bnn.images import ImageTransform, halved, statistics

HEIGHT, WIDTH, CHANNELS = 6, 5, 3
MEAN, DEVIATION = [0.5, 0.25, 0.125], [0.5, 0.25, 2.0]


def pictures(n, *, height=HEIGHT, width=WIDTH, seed=0):
    numbers = np.random.default_rng(seed).integers(0, 256, (n, height, width, CHANNELS), dtype=np.uint8)
    return torch.from_numpy(numbers)


def transform(*, padding=2, mirror=True, **more):
    return ImageTransform(MEAN, DEVIATION, padding=padding, mirror=mirror, **more)


def bytes_only(*, padding=2, mirror=True):
    """A transform whose results are the bytes themselves."""
    return ImageTransform([0.0] * 3, [1 / 255] * 3, padding=padding, mirror=mirror)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def cropped(picture, row, column, mirror, padding):
    """One image in plain numpy: put into a black frame, cut out, turned over."""
    height, width, channels = picture.shape
    frame = np.zeros((height + 2 * padding, width + 2 * padding, channels), dtype=np.uint8)
    frame[padding : padding + height, padding : padding + width] = picture
    cut = frame[row : row + height, column : column + width]
    return cut[:, ::-1] if mirror else cut


def normalized(picture):
    return np.moveaxis((picture / 255 - np.array(MEAN)) / np.array(DEVIATION), -1, 0)


@pytest.mark.parametrize(("padding", "mirror"), [(0, True), (1, True), (2, True), (7, True), (2, False)])
def test_augmented_images_are_those_of_a_loop_over_images(padding, mirror):
    t, x = transform(padding=padding, mirror=mirror), pictures(40)
    draws = t.draw(40, generator())
    expected = [normalized(cropped(image.numpy(), *draw, padding)) for image, draw in zip(x, draws.tolist(), strict=True)]
    np.testing.assert_allclose(t(x, draws).numpy(), np.stack(expected), atol=1e-6)


def test_the_corners_of_the_padded_image_can_be_cut_out():
    t, x = bytes_only(padding=2), pictures(1)
    first, last = t(x, torch.tensor([[0, 0, 0]])), t(x, torch.tensor([[4, 4, 0]]))
    plain = x[0].permute(2, 0, 1).float()
    assert not first[0, :, :2].any()
    assert not first[0, :, :, :2].any()
    torch.testing.assert_close(first[0, :, 2:, 2:], plain[:, : HEIGHT - 2, : WIDTH - 2])
    assert not last[0, :, -2:].any()
    assert not last[0, :, :, -2:].any()
    torch.testing.assert_close(last[0, :, :-2, :-2], plain[:, 2:, 2:])


def test_a_crop_in_the_middle_is_the_image_itself():
    t, x = transform(padding=3), pictures(4)
    assert torch.equal(t(x, torch.tensor([[3, 3, 0]] * 4)), t(x, None))


def test_a_mirrored_image_swaps_left_and_right_only():
    t, x = transform(padding=1), pictures(4)
    assert torch.equal(t(x, torch.tensor([[1, 1, 1]] * 4)), t(x, None).flip(3))


def test_every_place_and_both_sides_are_drawn_and_nothing_beyond():
    draws = transform(padding=2).draw(3000, generator())
    assert [sorted(set(column)) for column in draws.T.tolist()] == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0, 1]]


def test_every_place_and_side_is_as_likely_as_any_other():
    draws = transform(padding=1).draw(9000, generator())
    times = torch.bincount(draws[:, 0] * 6 + draws[:, 1] * 2 + draws[:, 2], minlength=18)
    deviation = (9000 * (1 / 18) * (17 / 18)) ** 0.5
    assert times.min() > 500 - 5 * deviation
    assert times.max() < 500 + 5 * deviation


def test_without_mirroring_the_same_places_are_drawn_and_no_image_is_turned():
    turned, straight = (transform(mirror=mirror).draw(50, generator()) for mirror in (True, False))
    assert torch.equal(turned[:, :2], straight[:, :2])
    assert turned[:, 2].any()
    assert not straight[:, 2].any()


def test_without_padding_and_mirroring_nothing_is_drawn():
    numbers = generator()
    before = numbers.get_state()
    assert transform(padding=0, mirror=False).draw(10, numbers) is None
    assert torch.equal(numbers.get_state(), before)


def data(t, n=24):
    part = InMemory(pictures(n), torch.arange(n))
    return Data(part, part, part, transform=t, evaluation_rows=7)


def epoch(d, size, *, order=0, augmentation=0):
    return list(epoch_batches(d, size, len(d.train.y) // size, [generator(order)], [generator(augmentation)]))


@pytest.mark.parametrize("size", [4, 8, 12])
def test_an_image_is_augmented_alike_whatever_the_batch_size(size):
    d = data(transform())
    whole, parts = epoch(d, 24), epoch(d, size)
    assert len(parts) == 24 // size
    assert torch.equal(torch.cat([x for x, _ in parts]), whole[0][0])
    assert torch.equal(torch.cat([y for _, y in parts]), whole[0][1])


def test_the_augmentation_has_a_stream_of_its_own():
    d = data(transform())
    (a, a_y), (b, b_y) = epoch(d, 24)[0], epoch(d, 24, augmentation=1)[0]
    assert torch.equal(a_y, b_y)
    assert not torch.equal(a, b)


def test_images_are_not_augmented_in_evaluation():
    d = data(transform())
    seen = torch.cat(list(evaluation_batches(d, d.validation)))
    expected = np.stack([normalized(image) for image in d.validation.x.numpy()])
    np.testing.assert_allclose(seen.numpy(), expected, atol=1e-6)


def test_training_images_have_mean_0_and_deviation_1_in_every_channel():
    x = (pictures(200, height=8, width=8) // torch.tensor([1, 2, 4], dtype=torch.uint8)) + 3
    seen = ImageTransform(*statistics(x), padding=0, mirror=False, dtype=torch.float64)(x, None)
    torch.testing.assert_close(seen.mean((0, 2, 3)), torch.zeros(3, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(seen.var((0, 2, 3), correction=0), torch.ones(3, dtype=torch.float64), atol=1e-12, rtol=0)


def test_statistics_are_shares_of_255():
    x = torch.tensor([[[[0, 51, 7]], [[255, 153, 7]]]], dtype=torch.uint8)
    mean, deviation = statistics(x)
    assert mean == pytest.approx([0.5, 0.4, 7 / 255])
    assert deviation == pytest.approx([0.5, 0.2, 0.0])


@pytest.mark.parametrize("augmented", [True, False])
def test_batches_lie_in_memory_channels_last(augmented):
    t, x = transform(), pictures(4)
    seen = t(x, t.draw(4, generator()) if augmented else None)
    assert seen.shape == (4, CHANNELS, HEIGHT, WIDTH)
    assert seen.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_network_sees_the_type_it_asks_for(dtype):
    assert transform(dtype=dtype)(pictures(2), None).dtype == dtype


def test_augmentation_leaves_the_images_in_memory_alone():
    t, x = transform(), pictures(4)
    t(x, t.draw(4, generator()))
    assert torch.equal(x, pictures(4))


@pytest.mark.parametrize("times", [0, 1, 2])
def test_halved_images_are_means_of_blocks_rounded_half_up_each_time(times):
    x = pictures(5, height=8, width=12)
    expected = x.numpy().astype(float)
    for _ in range(times):
        blocks = [expected[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
        expected = np.floor(np.mean(blocks, axis=0) + 0.5)
    result = halved(x, times)
    assert result.dtype == torch.uint8
    np.testing.assert_array_equal(result.numpy(), expected)


def test_a_white_image_stays_white_when_halved():
    assert (halved(torch.full((1, 4, 4, 3), 255, dtype=torch.uint8), 2) == 255).all()
