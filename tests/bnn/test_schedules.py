from dataclasses import replace

import pytest

from hpstudy.bnn.schedules import Clock, EpochClock, UpdateNumberRead, factor, warmed_up, warmup
from hpstudy.testing.methods import clocks

DECAYS = ["none", "linear", "cosine", "step"]


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


def test_step_decay_is_a_tenth_after_every_fifth_of_the_training():
    found = [factor("step", Clock(epoch, 500, epoch, 500).elapsed("epoch")) for epoch in (0, 99, 100, 199, 200, 300, 400, 499)]
    assert found == pytest.approx([1, 1, 0.1, 0.1, 0.01, 1e-3, 1e-4, 1e-4])


def test_a_step_falls_exactly_at_its_epoch_however_a_fifth_is_rounded():
    for epochs in (5, 10, 15, 35, 55, 700):
        assert factor("step", Clock(3 * epochs // 5, epochs, 0, 1).elapsed("epoch")) == pytest.approx(1e-3)


def test_a_warm_up_rises_in_equal_steps_to_one():
    assert [warmup(Clock(epoch, 9, 0, 1), 4) for epoch in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert warmup(Clock(0, 9, 0, 1), 0) == 1


def test_the_clock_of_a_training_that_begins_later_stands_still_before_and_ends_with_it():
    clock = list(clocks(5, 3))
    for per in ("epoch", "update"):
        assert [c.elapsed(per, after=2) for c in clock[:7]] == [0.0] * 7
        assert [c.elapsed(per, after=2) for c in clock[6:]] == [c.elapsed(per) for c in clocks(3, 3)]


def test_a_training_that_is_all_warm_up_stays_at_the_start_of_its_schedule():
    assert [Clock(1, 2, 5, 6).elapsed(per, after=3) for per in ("epoch", "update")] == [0.0, 0.0]


def test_an_epoch_clock_tells_the_epoch_and_not_the_update():
    clock = EpochClock(3, 10, 15, 50)
    assert clock.elapsed("epoch") == 0.3
    assert warmed_up("linear", clock, "epoch", 5) == pytest.approx(0.8)
    assert clock.factor("none", "update") == 1
    for read in (lambda: clock.update, lambda: clock.factor("linear", "update"), lambda: replace(clock, epoch=2)):
        with pytest.raises(UpdateNumberRead):
            read()


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("per", ["epoch", "update"])
def test_without_a_warm_up_the_factor_is_that_of_the_schedule_bit_for_bit(decay, per):
    for clock in clocks(7, 11):
        assert clock.elapsed(per, after=0) == (clock.epoch / clock.epochs if per == "epoch" else clock.update / clock.updates)
        assert warmed_up(decay, clock, per, 0) == factor(decay, clock.elapsed(per))


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("per", ["epoch", "update"])
def test_after_a_warm_up_of_equal_steps_the_schedule_goes_on_as_that_of_a_training_without(decay, per):
    rises = [0.25] * 5 + [0.5] * 5 + [0.75] * 5 + [1.0] * 5
    alone = [factor(decay, clock.elapsed(per)) for clock in clocks(6, 5)]
    assert [warmed_up(decay, clock, per, 4) for clock in clocks(10, 5)] == rises + alone


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("per", ["epoch", "update"])
@pytest.mark.parametrize(("epochs", "expected"), [(4, [0.25, 0.5, 0.75, 1]), (3, [0.25, 0.5, 0.75]), (1, [0.25])])
def test_a_training_that_is_no_longer_than_the_warm_up_only_rises(decay, per, epochs, expected):
    assert [warmed_up(decay, clock, per, 4) for clock in clocks(epochs, 1)] == expected
