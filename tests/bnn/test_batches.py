import pytest
import torch

from hpstudy.bnn.batches import Data, InMemory, Transform, epoch_batches, evaluation_batches

SAMPLES = 23


class Doubling(Transform):
    """Doubles a sample and in training adds its draw; keeps how many draws it was asked for."""

    def __init__(self):
        self.asked = []

    def draw(self, samples, generator):
        self.asked.append(samples)
        return torch.rand(samples, generator=generator)

    def __call__(self, x, draws):
        return 2 * x if draws is None else 2 * x + draws[:, None]


def data(transform=None):
    x = torch.arange(SAMPLES, dtype=torch.float32)[:, None]
    part = InMemory(x, torch.arange(SAMPLES))
    return Data(part, part, part, transform=transform or Transform(), evaluation_rows=5)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def order(size=5, number=4, *, rows=None, augmentation=None, d=None):
    """The samples of an epoch, in order."""
    batches = epoch_batches(d or data(), size, number, [rows or generator()], [augmentation or generator()])
    return torch.cat([y for _, y in batches]).tolist()


def test_no_sample_comes_twice_in_an_epoch():
    rows = generator()
    for _ in range(20):
        seen = order(rows=rows)
        assert len(set(seen)) == len(seen) == 20


def test_with_complete_batches_every_sample_comes_once():
    assert sorted(order(size=23, number=1)) == list(range(23))


def test_the_incomplete_last_batch_is_left_out():
    sizes = [len(y) for _, y in epoch_batches(data(), 5, SAMPLES // 5, [generator()], [generator()])]
    assert sizes == [5, 5, 5, 5]


def test_fewer_samples_than_a_batch_are_one_batch():
    assert sorted(order(size=100, number=1)) == list(range(23))


def test_who_is_left_out_changes_from_epoch_to_epoch():
    rows = generator()
    left_out = {frozenset(range(23)) - frozenset(order(rows=rows)) for _ in range(10)}
    assert len(left_out) > 5


def test_every_epoch_has_another_order():
    rows = generator()
    assert order(rows=rows) != order(rows=rows)


def test_the_order_is_decided_by_its_generator_alone():
    torch.manual_seed(1)
    first = order(rows=generator(3), augmentation=generator(1))
    torch.manual_seed(2)
    assert order(rows=generator(3), augmentation=generator(2), d=data(Doubling())) == first
    assert order(rows=generator(4)) != first


@pytest.mark.parametrize("size", [1, 2, 4, 10])
def test_the_order_is_the_same_for_every_batch_size(size):
    assert order(size=size, number=20 // size) == order(size=20, number=1)


def test_samples_come_with_their_own_class():
    for x, y in epoch_batches(data(), 5, 4, [generator()], [generator()]):
        assert torch.equal(x[:, 0], y.float())


def test_draws_are_made_once_per_epoch_for_the_samples_in_use():
    transform = Doubling()
    order(d=data(transform))
    assert transform.asked == [20]


def test_every_sample_gets_the_draw_of_its_place_in_the_epoch():
    seen = [x[:, 0] - 2 * y for x, y in epoch_batches(data(Doubling()), 5, 4, [generator()], [generator(7)])]
    torch.testing.assert_close(torch.cat(seen), torch.rand(20, generator=generator(7)), atol=1e-5, rtol=0)


def test_evaluation_goes_through_all_samples_in_order_and_draws_nothing():
    transform = Doubling()
    d = data(transform)
    batches = list(evaluation_batches(d, d.test))
    assert [len(x) for x in batches] == [5, 5, 5, 5, 3]
    assert torch.equal(torch.cat(batches), 2 * d.test.x)
    assert transform.asked == []


def test_a_transform_does_nothing_unless_a_subclass_says_otherwise():
    x = torch.ones(2, 3)
    assert Transform().draw(2, generator()) is None
    assert Transform()(x, None) is x
