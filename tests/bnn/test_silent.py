import pytest
import torch

from hpstudy.bnn.flips import FlipCounter
from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.bnn.settings import FirstStep, RealOptimizer, TrainSettings
from hpstudy.bnn.silent import never_flipped_histogram
from hpstudy.bnn.train import train
from tests.support.networks import ignore, make_data, make_network

PLAIN = TrainSettings(epochs=3, batch_size=50, real_optimizer=RealOptimizer(learning_rate=0.05), layer_metrics=True)
BINNED = PLAIN.model_copy(update={"initial_weight_bins": 12})


def run(settings, method=None, hp=None, *, report=ignore):
    method = method or Filter()
    hp = hp or method.Hyperparameters()
    return train(make_network(), method, hp, make_data(), settings, seed=0, report=report)


def of(found, name, layer):
    """The bins of a layer, in order."""
    prefix = f"{name}.layer{layer}.bin"
    return [found[key] for key in sorted(found) if key.startswith(prefix)]


def test_the_histogram_of_eight_weights_by_hand():
    # Bins of width 1.5: -4 and -2 in the first, -1.5 and -0.1 in the second, 0 and 1 in the third, 1.5 and 9 in the last.
    noise = torch.tensor([[-4.0, -2.0, -1.5, -0.1], [0.0, 1.0, 1.5, 9.0]])
    never = torch.tensor([[True, True, False, True], [False, False, False, True]])
    found = never_flipped_histogram([noise], [never], 4)
    assert of(found, "initial", 1) == [0.25, 0.25, 0.25, 0.25]
    assert of(found, "never_flipped", 1) == [0.25, 0.125, 0, 0.125]


def test_layers_and_bins_are_named_from_one_with_leading_zeros():
    noise, never = [torch.zeros(1, 2)] * 2, [torch.ones(1, 2, dtype=torch.bool)] * 2
    found = never_flipped_histogram(noise, never, 10)
    names = [
        f"{name}.layer{layer}.bin{place:02}"
        for layer in (1, 2)
        for name in ("initial", "never_flipped")
        for place in range(1, 11)
    ]
    assert list(found) == names
    assert next(iter(never_flipped_histogram(noise, never, 4))) == "initial.layer1.bin1"


def test_an_even_number_of_bins_separates_the_signs():
    noise = torch.tensor([[-1e-20, 0.0, 1e-20]])
    for bins in range(2, 101, 2):
        found = never_flipped_histogram([noise], [noise >= 0], bins)
        assert of(found, "initial", 1)[bins // 2 - 1 :][:2] == pytest.approx([1 / 3, 2 / 3])
        assert of(found, "never_flipped", 1)[bins // 2 - 1 :][:2] == pytest.approx([0, 2 / 3])


@pytest.mark.parametrize("method", [Filter, LatentSGD])
def test_the_bins_of_a_layer_sum_to_its_weights_and_to_those_that_never_flipped(method):
    found = run(BINNED, method())
    for layer in (1, 2, 3):
        assert sum(of(found, "initial", layer)) == pytest.approx(1)
        assert 0 < sum(of(found, "never_flipped", layer)) == pytest.approx(found[f"never_flipped.layer{layer}"])


def test_no_bin_has_more_weights_that_never_flipped_than_weights():
    found = run(BINNED)
    for layer in (1, 2, 3):
        initial = of(found, "initial", layer)
        assert len(initial) == 12
        assert all(a <= b for a, b in zip(of(found, "never_flipped", layer), initial, strict=True))


def test_in_two_steps_the_weights_of_the_first_are_the_initial_ones():
    two = run(BINNED.model_copy(update={"first_step": FirstStep(epochs=2)}))
    assert of(two, "initial", 1) != of(run(BINNED), "initial", 1)
    assert sum(of(two, "initial", 1)) == pytest.approx(1)
    assert sum(of(two, "never_flipped", 1)) == pytest.approx(two["never_flipped.layer1"])


def test_all_methods_have_the_same_initial_histogram():
    a, b = run(BINNED), run(BINNED, LatentSGD())
    assert of(a, "initial", 1) == of(b, "initial", 1)
    assert of(a, "never_flipped", 1) != of(b, "never_flipped", 1)


class Latent(Filter):
    """A filter whose state has the noise itself, which updates overwrite."""

    def init(self, noise, hp, generator):
        return {**super().init(noise, hp, generator), "w": noise}

    def update(self, state, grad, hp, clock):
        return {**super().update(state, grad, hp, clock), "w": state["w"].sub_(grad)}


def test_a_method_may_overwrite_the_noise():
    assert run(BINNED, Latent()) == run(BINNED)


def test_the_histograms_are_recorded_on_request_only_and_change_nothing_else():
    plain, binned = run(PLAIN), run(BINNED)
    assert len(binned) == len(plain) + 2 * 3 * 12
    assert {name: binned[name] for name in plain} == plain


def test_the_histograms_are_final_metrics_and_no_learning_curves():
    reported = []
    run(BINNED, report=lambda epoch, **metrics: reported.append(metrics))
    assert [name for metrics in reported for name in metrics if ".bin" in name] == []


def test_a_weight_that_returned_to_its_sign_is_not_among_those_that_never_flipped():
    signs = torch.tensor([[1.0, -1.0]])
    counter = FlipCounter([signs])
    counter.count([-signs])
    counter.count([signs])
    assert sum(of(never_flipped_histogram([signs], counter.never_flipped(), 2), "never_flipped", 1)) == 0
