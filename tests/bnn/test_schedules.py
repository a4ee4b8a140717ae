import pytest

from hpstudy.bnn.schedules import Clock, factor

DECAYS = ["none", "linear", "cosine"]


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("per", ["epoch", "update"])
def test_a_schedule_is_one_at_the_first_update(decay, per):
    assert factor(decay, Clock(0, 10, 0, 50).elapsed(per)) == 1


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("per", ["epoch", "update"])
def test_a_schedule_is_above_zero_at_the_last_update(decay, per):
    assert factor(decay, Clock(9, 10, 49, 50).elapsed(per)) > 0


def test_linear_decay_in_the_last_epoch_is_one_over_the_number_of_epochs():
    assert factor("linear", Clock(9, 10, 45, 50).elapsed("epoch")) == pytest.approx(0.1)


def test_cosine_decay_is_a_half_halfway():
    assert factor("cosine", 0.5) == pytest.approx(0.5)


def test_no_decay_is_constant():
    assert {factor("none", r / 10) for r in range(10)} == {1.0}


def test_per_epoch_a_schedule_rests_within_an_epoch():
    assert Clock(3, 10, 15, 50).elapsed("epoch") == Clock(3, 10, 19, 50).elapsed("epoch")


def test_per_update_a_schedule_moves_within_an_epoch():
    assert Clock(3, 10, 15, 50).elapsed("update") < Clock(3, 10, 19, 50).elapsed("update")
