import math
from functools import cache

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from hpstudy.bnn.batches import Data
from hpstudy.bnn.layers import binary_weights, real_parameters
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.bnn.methods.real import RealSGD
from hpstudy.bnn.settings import FirstStep, RealOptimizer, TrainSettings
from hpstudy.bnn.train import train
from hpstudy.engine import recorder
from hpstudy.errors import Diverged
from hpstudy.seeds import derive_seed
from hpstudy.study.schema import View
from hpstudy.tasks.binary_network import BinaryNetworkTask
from tests.support.networks import Recorder, ignore, make_data, make_network

UPDATES = 400 // 50
FIRST = FirstStep(epochs=3, learning_rate=0.05, real_optimizer=RealOptimizer(learning_rate=0.02))
ONE = TrainSettings(epochs=4, batch_size=50, real_optimizer=RealOptimizer(learning_rate=0.05))
TWO = ONE.model_copy(update={"first_step": FIRST})


def run(settings, method=None, hp=None, *, network=None, seed=0, report=ignore):
    method = method or Filter()
    hp = hp or method.Hyperparameters()
    return train(network or make_network(), method, hp, make_data(), settings, seed=seed, report=report)


def curve(settings, *args, **more):
    """The reported metrics, by epoch."""
    reported = {}
    run(settings, *args, report=lambda epoch, **metrics: reported.__setitem__(epoch, metrics), **more)
    return reported


@cache
def first_step_alone():
    """The network after the first step, trained as a view of real weights would train it."""
    network = make_network()
    hp = RealSGD.Hyperparameters(learning_rate=FIRST.learning_rate, momentum_rate=0.1, weight_decay=1e-4)
    alone = TrainSettings(epochs=FIRST.epochs, batch_size=50, real_optimizer=FIRST.real_optimizer)
    run(alone, RealSGD(), hp, network=network)
    return network


class Spy(Recorder):
    """Keeps the state in which a method starts, and the network's other parameters at that moment."""

    def __init__(self, method, network):
        super().__init__(method)
        self.network = network
        self.starts = []
        self.reals = []

    def init(self, noise, hp, generator):
        state = super().init(noise, hp, generator)
        self.starts.append({name: value.clone() for name, value in state.items()})
        self.reals = [p.detach().clone() for group in real_parameters(self.network) for p in group]
        return state


def spied(method, hp=None):
    network = make_network()
    spy = Spy(method, network)
    run(TWO, spy, hp or method.Hyperparameters(), network=network)
    return spy


def test_epochs_are_counted_through_both_steps():
    assert list(curve(TWO)) == [1, 2, 3, 4, 5, 6, 7]


def test_without_a_first_step_epochs_are_those_of_the_one():
    assert list(curve(ONE)) == [1, 2, 3, 4]


def test_the_first_step_is_a_training_of_real_weights():
    hp = RealSGD.Hyperparameters(learning_rate=FIRST.learning_rate)
    alone = TrainSettings(epochs=FIRST.epochs, batch_size=50, real_optimizer=FIRST.real_optimizer)
    both = curve(TWO)
    assert curve(alone, RealSGD(), hp) == {epoch: both[epoch] for epoch in (1, 2, 3)}


def test_a_filter_starts_from_the_signs_of_the_weights_of_the_first_step():
    weights = binary_weights(first_step_alone())
    assert all(((weight != 0) & (weight.abs() != 1)).all() for weight in weights)
    starts = spied(Filter()).starts
    assert all(torch.equal(s["theta"], w.sign()) for s, w in zip(starts, weights, strict=True))


def test_latent_weights_start_from_the_weights_of_the_first_step_up_to_one_scale_per_layer():
    starts = spied(LatentSGD(), LatentSGD.Hyperparameters(init_scale=0.3)).starts
    for start, weight in zip(starts, binary_weights(first_step_alone()), strict=True):
        assert torch.equal(start["theta"], weight.sign())
        torch.testing.assert_close(start["w"], 0.3 * weight / weight.std())
        assert start["w"].std().item() == pytest.approx(0.3)


def test_the_other_parameters_carry_over():
    expected = [p for group in real_parameters(first_step_alone()) for p in group]
    found = spied(Filter()).reals
    assert len(found) == 1 + 2 * 4
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_the_first_step_leaves_the_initial_signs_behind():
    network = make_network()
    spy = Spy(Filter(), network)
    run(ONE, spy, Filter.Hyperparameters(), network=network)
    assert not torch.equal(spy.starts[0]["theta"], spied(Filter()).starts[0]["theta"])


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 2},
        {"learning_rate": 0.5},
        {"momentum_rate": 1.0},
        {"weight_decay": 0.1},
        {"decay": "none"},
        {"real_optimizer": RealOptimizer(learning_rate=0.5)},
        {"real_optimizer": RealOptimizer(learning_rate=0.02, decay="linear")},
    ],
    ids=str,
)
def test_every_setting_of_the_first_step_changes_the_result(change):
    changed = TWO.model_copy(update={"first_step": FIRST.model_copy(update=change)})
    assert run(changed) != run(TWO)


def test_two_steps_are_reproducible():
    assert curve(TWO, LatentSGD()) == curve(TWO, LatentSGD())
    assert run(TWO, seed=0) != run(TWO, seed=1)


def test_weights_that_never_flipped_are_counted_from_the_second_step_on():
    network = make_network()
    spy = Spy(Filter(), network)
    metrics = run(TWO, spy, Filter.Hyperparameters(alpha=0.1), network=network)
    still = [(torch.stack(spy.thetas[k]) == start["theta"]).all(0) for k, start in enumerate(spy.starts)]
    expected = sum(int(s.sum()) for s in still) / sum(s.numel() for s in still)
    assert 0 < expected < 1
    assert metrics["never_flipped"] == pytest.approx(expected)


class SmallTask(BinaryNetworkTask):
    """The multilayer perceptron of the tests, as a task that notes its activations' names and temperatures."""

    Settings = TrainSettings

    def check_data(self):
        pass

    def data(self) -> Data:
        return make_data()

    def network(self, activation, generator):
        network = make_network()
        network.activation = activation
        self.seen = []
        activation.register_forward_hook(lambda m, *_: self.seen.append((m.name, m.t)) if m.training else None)
        return network


def activations(view, settings=TWO):
    """(name, temperature) in every epoch of both steps."""
    task = SmallTask(settings)
    rate = "alpha" if view["method"] == "filter" else "learning_rate"
    view = View.model_validate({**view, "space": {rate: {"type": "float", "low": 0.01, "high": 0.1}}})
    task.evaluate(task.complete_view(view), {rate: 0.05}, 0, recorder.Recorder())
    return task.seen[:: UPDATES * 3]


def test_a_method_that_leaves_the_activation_open_gets_that_of_the_task():
    settings = TWO.model_copy(update={"activation": "ste_clip"})
    assert activations({"method": "filter"}, settings) == [("ste_clip", 1.0)] * 7


def test_the_activation_of_the_method_is_used_in_both_steps():
    assert activations({"method": "real", "fixed": {"activation": "relu"}}) == [("relu", 1.0)] * 7


def test_a_temperature_runs_through_its_range_in_each_step():
    seen = activations({"method": "irnet", "fixed": {"t_min": 0.01, "t_max": 1.0}})
    assert {name for name, _ in seen} == {"ede"}
    rises = [0.01 * 100 ** (epoch / epochs) for epochs in (3, 4) for epoch in range(epochs)]
    assert [t for _, t in seen] == pytest.approx(rises)


def recalibrating(when, settings=ONE, **more):
    return settings.model_copy(update={"recalibrate": when, **more})


def of_evaluation(metrics):
    return {name: value for name, value in metrics.items() if name.startswith("val")}


def of_training(metrics):
    return {name: value for name, value in metrics.items() if not name.startswith("val")}


def test_recalibration_at_the_end_changes_the_last_evaluation_only():
    never, end = curve(ONE), curve(recalibrating("end"))
    assert [end[epoch] for epoch in (1, 2, 3)] == [never[epoch] for epoch in (1, 2, 3)]
    assert of_evaluation(end[4]) != of_evaluation(never[4])
    assert of_training(end[4]) == of_training(never[4])


def test_recalibration_in_every_epoch_changes_every_evaluation_and_no_training():
    never, every = curve(ONE), curve(recalibrating("every_epoch"))
    for epoch in (1, 2, 3, 4):
        assert of_evaluation(every[epoch]) != of_evaluation(never[epoch])
        assert of_training(every[epoch]) == of_training(never[epoch])


def test_the_last_recalibration_does_not_know_of_those_before():
    assert run(recalibrating("every_epoch")) == run(recalibrating("end"))


def test_the_first_step_is_not_recalibrated():
    never, every = curve(TWO), curve(recalibrating("every_epoch", TWO))
    assert [every[epoch] == never[epoch] for epoch in range(1, 8)] == [True] * 3 + [False] * 4


def test_recalibrated_statistics_are_those_of_the_training_samples_with_the_last_weights():
    network, data = make_network(), make_data()
    settings = recalibrating("end", batch_size=400)
    train(network, LatentSGD(), LatentSGD.Hyperparameters(), data, settings, seed=0, report=ignore)
    h = network.first(data.train.x)
    torch.testing.assert_close(network.norms[0].running_mean, h.mean(0))
    torch.testing.assert_close(network.norms[0].running_var, h.var(0))
    network.norms[0].train()
    h = network.layers[0](network.activation(network.norms[0](h)))
    torch.testing.assert_close(network.norms[1].running_mean, h.mean(0))


def test_a_recalibration_has_a_stream_of_random_numbers_of_its_own(monkeypatch):
    seen, data = [], make_data()
    monkeypatch.setattr("hpstudy.bnn.slot.recalibrate", lambda network, batches: seen.append(torch.cat(list(batches))))
    settings = recalibrating("end", batch_size=50, calibration_batches=2)
    train(make_network(), LatentSGD(), LatentSGD.Hyperparameters(), data, settings, seed=3, report=ignore)
    rows = torch.randperm(len(data.train.y), generator=torch.Generator().manual_seed(derive_seed(3, "calibration")))[:100]
    assert len(seen) == 1
    assert torch.equal(seen[0], data.train.x[rows])


@pytest.mark.parametrize(("asked", "made"), [(3, 3), (8, 8), (20, 8)])
def test_so_many_batches_are_measured_as_there_are_and_no_more(asked, made):
    network = make_network()
    run(recalibrating("end", calibration_batches=asked), network=network)
    assert int(network.norms[0].num_batches_tracked) == made


def test_a_method_that_asks_for_it_is_recalibrated_in_every_epoch():
    class Asking(Filter):
        def recalibrates(self, hp):
            return True

    assert curve(ONE, Asking()) == curve(recalibrating("every_epoch"))


def test_metrics_of_layers_are_recorded_on_request_only():
    plain, layered = run(ONE), run(ONE.model_copy(update={"layer_metrics": True}))
    names = {f"{name}.layer{layer}" for name in ("flip_ratio", "never_flipped") for layer in (1, 2, 3)}
    assert set(layered) - set(plain) == names
    assert {name: layered[name] for name in plain} == plain


def test_the_means_over_layers_weighted_by_size_are_the_metrics_of_the_network():
    reported = curve(TWO.model_copy(update={"layer_metrics": True}), Filter(), Filter.Hyperparameters(alpha=0.1))
    sizes = [weight.numel() for weight in binary_weights(make_network())]
    for metrics in reported.values():
        for name in ("flip_ratio", "never_flipped"):
            layers = [metrics[f"{name}.layer{layer}"] for layer in (1, 2, 3)]
            mean = sum(size * value for size, value in zip(sizes, layers, strict=True)) / sum(sizes)
            assert len(set(layers)) > 1
            assert mean == pytest.approx(metrics[name])


def test_the_metrics_of_a_layer_are_its_own():
    network = make_network()
    spy = Spy(Filter(), network)
    metrics = run(ONE.model_copy(update={"epochs": 1, "layer_metrics": True}), spy, Filter.Hyperparameters(), network=network)
    for layer, start in enumerate(spy.starts):
        thetas = torch.stack([start["theta"], *spy.thetas[layer]])
        flips = thetas[1:] != thetas[:-1]
        assert metrics[f"flip_ratio.layer{layer + 1}"] == pytest.approx(flips.double().mean().item())
        assert metrics[f"never_flipped.layer{layer + 1}"] == pytest.approx((~flips.any(0)).double().mean().item())


def learning_rates(settings):
    """Those of every group at every update, as the optimizer of the real parameters saw them."""
    seen = []
    handle = register_optimizer_step_pre_hook(lambda optimizer, *_: seen.append([g["lr"] for g in optimizer.param_groups]))
    try:
        run(settings)
    finally:
        handle.remove()
    assert all(len(set(groups)) == 1 for groups in seen)
    return [groups[0] for groups in seen]


def scheduled(**optimizer):
    return ONE.model_copy(update={"real_optimizer": RealOptimizer(learning_rate=0.1, **optimizer)})


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_the_learning_rate_moves_with_the_epoch(name):
    expected = [0.1 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4) for _ in range(UPDATES)]
    assert learning_rates(scheduled(name=name)) == pytest.approx(expected)


def test_the_learning_rate_moves_with_the_update():
    expected = [0.1 * (1 - update / 32) for update in range(32)]
    assert learning_rates(scheduled(decay="linear", decay_per="update")) == pytest.approx(expected)


def test_a_warm_up_rises_by_the_epoch():
    constant = [0.1 * rise for rise in (1 / 3, 2 / 3, 1.0, 1.0) for _ in range(UPDATES)]
    assert learning_rates(scheduled(decay="none", warmup_epochs=3)) == pytest.approx(constant)


def test_the_schedule_begins_after_the_warm_up_and_ends_with_the_training():
    rising = [0.1 * rise for rise in (0.5, 1.0) for _ in range(UPDATES)]
    by_epoch = [0.1 * (1 - epoch / 2) for epoch in range(2) for _ in range(UPDATES)]
    by_update = [0.1 * (1 - update / (2 * UPDATES)) for update in range(2 * UPDATES)]
    assert learning_rates(scheduled(decay="linear", warmup_epochs=2)) == pytest.approx(rising + by_epoch)
    assert learning_rates(scheduled(decay="linear", warmup_epochs=2, decay_per="update")) == pytest.approx(rising + by_update)


def test_each_step_has_its_own_schedule_from_its_start():
    first = FIRST.model_copy(update={"real_optimizer": RealOptimizer(learning_rate=0.02, decay="linear")})
    settings = scheduled(decay="linear").model_copy(update={"first_step": first})
    expected = [0.02 * (1 - e / 3) for e in range(3) for _ in range(UPDATES)]
    expected += [0.1 * (1 - e / 4) for e in range(4) for _ in range(UPDATES)]
    assert learning_rates(settings) == pytest.approx(expected)


def test_a_validation_loss_that_is_not_finite_diverges():
    wild = RealSGD.Hyperparameters(learning_rate=1e38)
    with pytest.raises(Diverged, match="the validation loss of epoch 1 is inf"):
        run(TrainSettings(epochs=1, batch_size=400), RealSGD(), wild)


def test_a_divergence_names_the_epoch_as_counted_through_both_steps():
    wild = RealOptimizer(learning_rate=1e38)
    with pytest.raises(Diverged, match=r"epoch 1\b"):
        run(TWO.model_copy(update={"first_step": FIRST.model_copy(update={"real_optimizer": wild})}))
    with pytest.raises(Diverged, match=r"epoch 4\b"):
        run(TWO.model_copy(update={"real_optimizer": wild}))
