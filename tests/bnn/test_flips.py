import pytest
import torch

from hpstudy.bnn.flips import FlipCounter

SIGNS = [torch.tensor([[1.0, -1.0], [1.0, 1.0]]), torch.tensor([[1.0, -1.0, 1.0, -1.0, 1.0, 1.0]])]


def flipped(layer, *positions):
    """SIGNS with the signs at some positions of one layer turned."""
    found = [theta.clone() for theta in SIGNS]
    for position in positions:
        found[layer].view(-1)[position] *= -1
    return found


def test_the_flip_ratio_is_the_mean_share_per_update():
    counter = FlipCounter(SIGNS)
    counter.count(flipped(0, 0))
    counter.count(flipped(0, 0, 1))
    counter.count(flipped(0, 0, 1))
    counter.count(flipped(0, 0, 1))
    assert counter.end_epoch().flip_ratio == pytest.approx(2 / (4 * 10))


def test_flips_are_counted_for_every_layer():
    counter = FlipCounter(SIGNS)
    counter.count(flipped(1, 0, 1, 2))
    assert counter.end_epoch().layer_flip_ratios == (0, pytest.approx(0.5))


def test_a_weight_that_flips_and_returns_has_not_changed_over_the_epoch():
    counter = FlipCounter(SIGNS)
    counter.count(flipped(0, 0))
    counter.count(SIGNS)
    assert counter.end_epoch().epoch_flip_rate == 0


def test_the_epoch_flip_rate_compares_with_the_end_of_the_epoch_before():
    counter = FlipCounter(SIGNS)
    counter.count(flipped(0, 0))
    counter.end_epoch()
    counter.count(flipped(0, 0, 1))
    assert counter.end_epoch().epoch_flip_rate == pytest.approx(0.1)


def test_a_weight_that_ever_flipped_is_never_again_never_flipped():
    counter = FlipCounter(SIGNS)
    counter.count(flipped(0, 0))
    counter.count(SIGNS)
    counter.end_epoch()
    counter.count(SIGNS)
    assert counter.end_epoch().never_flipped == pytest.approx(0.9)


def test_an_epoch_starts_with_no_flips():
    counter = FlipCounter(SIGNS)
    counter.count(flipped(0, 0))
    counter.end_epoch()
    counter.count(flipped(0, 0))
    assert counter.end_epoch().flip_ratio == 0


def test_counting_survives_weights_that_are_overwritten_in_place():
    theta = torch.tensor([[1.0, 1.0]])
    counter = FlipCounter([theta])
    counter.count([theta.neg_()])
    assert counter.end_epoch().flip_ratio == 1


def never_flipped_of(counter):
    return [mask.tolist() for mask in counter.never_flipped()]


def test_the_masks_of_weights_that_never_flipped_have_the_shapes_of_the_layers():
    counter = FlipCounter(SIGNS)
    counter.count(flipped(0, 1))
    counter.end_epoch()
    counter.count(flipped(1, 5))
    assert never_flipped_of(counter) == [[[True, False], [True, True]], [[True] * 5 + [False]]]


def test_the_masks_are_the_same_before_and_after_the_end_of_an_epoch():
    counter = FlipCounter(SIGNS)
    counter.count(flipped(1, 2))
    counter.count(SIGNS)
    before = never_flipped_of(counter)
    shares = counter.end_epoch().layer_never_flipped
    assert never_flipped_of(counter) == before
    assert [mask.double().mean().item() for mask in counter.never_flipped()] == pytest.approx(shares)
