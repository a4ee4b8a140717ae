import cmath
import math

import pytest
import torch

from hpstudy.bnn.methods.filter import Filter
from hpstudy.bnn.methods.filter_biquad import BiquadFilter, coefficients
from hpstudy.bnn.methods.filter_cascade import CascadeFilter
from hpstudy.bnn.methods.filter_equal import EqualFilter
from hpstudy.bnn.methods.filter_fir import FIRFilter
from hpstudy.bnn.methods.latent_sgd import LatentSGD
from hpstudy.bnn.schedules import factor
from hpstudy.testing.methods import clocks, normal


def run(method, gradients, noise=None, epochs=1, **values):
    """Theta after every update."""
    method, hp = method(), method.Hyperparameters(**values)
    start = normal(*gradients.shape[1:], seed=0).to(gradients.dtype) if noise is None else noise
    state = method.init(start, hp, torch.Generator())
    thetas = []
    for clock, gradient in zip(clocks(epochs, len(gradients) // epochs), gradients, strict=True):
        state = method.update(state, gradient, hp, clock)
        thetas.append(state["theta"].clone())
    return torch.stack(thetas)


def difference_equation(gradients, poles, theta=None):
    """-sign(y) of Eq. 14 with these poles and b = [1]: y_i = G_i - a_1 y_{i-1} - a_2 y_{i-2} - ..."""
    a = [1.0 + 0j]
    for pole in poles:
        a = [x - pole * y for x, y in zip([*a, 0], [0, *a], strict=True)]
    outputs = []
    for gradient in gradients:
        past = reversed(outputs[-len(poles) :])
        outputs.append(gradient - sum(c.real * y for c, y in zip(a[1:], past, strict=False)))
    return -torch.stack(outputs).sign()


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float64).view(-1, 1, 1)


def flip_ratio(thetas):
    return (thetas[1:] != thetas[:-1]).double().mean().item()


def two_pole_ratio(p1, p2):
    """The flip ratio of white noise through two poles."""
    return math.acos(((p1 + p2) / (1 + p1 * p2)).real) / math.pi


def test_first_steps_of_three_filters_in_series_by_hand():
    # gamma = alpha = 0.5; G = 8, -8, -8, -8
    # m1: 4, -2, -5, -6.5     m2: 2, 0, -2.5, -4.5     g: 1, 0.5, -1, -2.75
    thetas = run(CascadeFilter, column(8, -8, -8, -8), order=3, alpha=0.5, gamma=0.5, alpha_decay="none")
    assert thetas.flatten().tolist() == [-1, -1, 1, 1]


@pytest.mark.parametrize("decay", ["none", "linear", "cosine", "step"])
def test_a_cascade_of_order_two_is_the_filter_of_the_paper(decay):
    gradients = normal(500, 10, 12, seed=1)
    values = {"alpha": 0.02, "gamma": 0.1, "alpha_decay": decay}
    thetas = run(CascadeFilter, gradients, epochs=5, order=2, **values)
    assert torch.equal(thetas, run(Filter, gradients, epochs=5, **values))
    assert flip_ratio(thetas) > 0


def test_a_cascade_of_order_two_is_the_filter_of_the_paper_on_gradients_of_a_network(recorded):
    assert torch.equal(run(CascadeFilter, recorded, order=2), run(Filter, recorded))


@pytest.mark.parametrize("order", [2, 3, 4])
def test_a_cascade_whose_fast_filters_are_off_is_a_first_order_filter(order):
    gradients = normal(300, 10, 12, seed=1)
    thetas = run(CascadeFilter, gradients, order=order, gamma=1.0, alpha=0.05)
    assert torch.equal(thetas, run(EqualFilter, gradients, order=1, alpha=0.05))


@pytest.mark.parametrize("order", [2, 3, 4])
def test_a_cascade_of_constant_rate_is_the_difference_equation(order):
    gradients = normal(1000, 10, 12, seed=1)
    thetas = run(CascadeFilter, gradients, order=order, alpha=0.05, gamma=0.3, alpha_decay="none")
    assert torch.equal(thetas, difference_equation(gradients, [0.95] + [0.7] * (order - 1)))


def test_the_difference_equation_is_not_the_cascade_while_the_rate_decays():
    gradients = normal(1000, 10, 12, seed=1)
    cascade = run(CascadeFilter, gradients, epochs=10, order=2, alpha=0.05, gamma=0.3, alpha_decay="linear")
    m, y, before, naive = 0.0, 0.0, 0.0, []
    for update, gradient in enumerate(gradients):
        alpha = 0.05 * (1 - update // 100 / 10)
        m = 0.7 * m + 0.3 * gradient
        y, before = alpha * 0.3 * gradient + (2 - alpha - 0.3) * y - (1 - alpha) * 0.7 * before, y
        naive.append(-y.sign())
    wrong = (torch.stack(naive) != cascade).double().mean().item()
    assert 0 < wrong < 0.05


def test_slow_and_fast_rate_are_interchangeable_while_constant():
    gradients = normal(1000, 10, 12, seed=1)
    there = run(CascadeFilter, gradients, order=2, alpha=0.02, gamma=0.3, alpha_decay="none")
    assert torch.equal(there, run(CascadeFilter, gradients, order=2, alpha=0.3, gamma=0.02, alpha_decay="none"))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_equal_filters_are_the_difference_equation_with_equal_poles(order):
    gradients = normal(600, 10, 12, seed=1)
    thetas = run(EqualFilter, gradients, order=order, alpha=0.2, alpha_decay="none")
    assert torch.equal(thetas, difference_equation(gradients, [0.8] * order))


@pytest.mark.parametrize("decay", ["none", "linear", "cosine", "step"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_one_of_equal_filters_has_the_rate_that_decays(order, decay):
    gradients = normal(500, 10, 12, seed=1)
    thetas = run(EqualFilter, gradients, epochs=5, order=order, alpha=0.2, alpha_decay=decay)
    filters = [torch.zeros(10, 12, dtype=torch.float64) for _ in range(order)]
    for update, gradient in enumerate(gradients):
        alpha, signal = 0.2 * factor(decay, update // 100 / 5), gradient
        for j, g in enumerate(filters):
            signal = filters[j] = (1 - alpha) * g + alpha * signal
        assert torch.equal(thetas[update], -signal.sign())


@pytest.mark.parametrize(("cascade", "rates"), [(CascadeFilter, {"alpha": 0.1, "gamma": 0.1}), (EqualFilter, {"alpha": 0.1})])
@pytest.mark.parametrize("order", [2, 4])
def test_filters_in_series_weigh_past_gradients_by_their_impulse_response(cascade, rates, order):
    # A gradient of +1 and, one update later, one of -0.5: at first the earlier one wins or loses by its larger or smaller weight.
    def response(r):
        return math.comb(r + order - 1, order - 1) * 0.9**r

    gradients = torch.zeros(60, 1, 1, dtype=torch.float64)
    gradients[0], gradients[1] = 1.0, -0.5
    thetas = run(cascade, gradients, order=order, alpha_decay="none", **rates).flatten().tolist()
    expected = [-math.copysign(1, response(i) - (0.5 * response(i - 1) if i else 0)) for i in range(60)]
    assert thetas == expected


@pytest.mark.parametrize("alpha", [1e-12, 1e-20, 1e-42])
@pytest.mark.parametrize("order", [2, 4])
def test_an_alpha_of_any_smallness_has_the_signs_of_repeated_sums_in_single_precision(alpha, order):
    gradients = 1e-3 * normal(200, 20, 30, seed=1).float()
    assert torch.equal(run(EqualFilter, gradients, order=order, alpha=alpha), run(EqualFilter, gradients, order=order, alpha=0.0))
    cascade = run(CascadeFilter, gradients, order=order, alpha=alpha)
    assert torch.equal(cascade, run(CascadeFilter, gradients, order=order, alpha=0.0))


@pytest.mark.parametrize(("omega", "zeta"), [(0.05, 0.7), (0.3, 0.1), (2.0, 0.3), (math.pi, 1.0), (0.01, 1.0)])
def test_an_oscillating_filter_is_the_difference_equation_with_its_pair_of_poles(omega, zeta):
    gradients = normal(1000, 10, 12, seed=1)
    pole = cmath.exp(omega * complex(-zeta, math.sqrt(1 - zeta**2)))
    thetas = run(BiquadFilter, gradients, omega=omega, zeta=zeta, omega_decay="none")
    assert torch.equal(thetas, difference_equation(gradients, [pole, pole.conjugate()]))


def test_an_oscillating_filter_of_damping_one_is_two_equal_filters():
    gradients = normal(1000, 10, 12, seed=1)
    thetas = run(BiquadFilter, gradients, omega=0.05, zeta=1.0, omega_decay="none")
    assert torch.equal(thetas, run(EqualFilter, gradients, order=2, alpha=1 - math.exp(-0.05), alpha_decay="none"))


def test_an_oscillating_filter_is_library_sgd_of_large_learning_rate_times_weight_decay():
    gradients, momentum, product = normal(1000, 10, 12, seed=1), 0.9, 0.05
    assert product > (1 - math.sqrt(momentum)) ** 2
    log_pole = cmath.log(complex((1 + momentum - product) / 2, math.sqrt(momentum - ((1 + momentum - product) / 2) ** 2)))
    omega = abs(log_pole)
    filtered = run(BiquadFilter, gradients, omega=omega, zeta=-log_pole.real / omega, omega_decay="none")
    plain = {"init_scale": 0.0, "scaling": False, "clipping": "none", "convention": "library", "learning_rate_decay": "none"}
    assert torch.equal(filtered, run(LatentSGD, gradients, learning_rate=0.5, weight_decay=0.1, gamma=0.1, **plain))


@pytest.mark.parametrize("omega", [1e-6, 1e-3, 0.5, math.pi])
@pytest.mark.parametrize("zeta", [1e-3, 0.5, 1.0])
def test_the_poles_lie_within_the_unit_circle_up_to_the_corners_of_the_domain(omega, zeta):
    hp = BiquadFilter.Hyperparameters(omega=omega, zeta=zeta)
    retention, stiffness = [x.item() for x in coefficients(torch.tensor(hp.omega, dtype=torch.float64), hp.zeta)]
    trace = 1 + retention - stiffness
    poles = [(trace + s * cmath.sqrt(trace**2 - 4 * retention)) / 2 for s in (1, -1)]
    assert all(abs(pole) < 1 for pole in poles)
    assert retention == pytest.approx(math.exp(-2 * zeta * omega), rel=1e-12)


def test_the_stiffness_of_a_slow_oscillator_is_its_squared_frequency_in_single_precision():
    retention, stiffness = coefficients(torch.tensor(1e-5), 0.5)
    assert stiffness.item() == pytest.approx(1e-10, rel=1e-4)
    assert retention.item() < 1


@pytest.mark.parametrize("decay", ["linear", "cosine", "step"])
def test_an_oscillating_filter_has_the_poles_of_a_frequency_that_decays(decay):
    gradients, omega, zeta = normal(500, 10, 12, seed=1), 0.4, 0.3
    thetas = run(BiquadFilter, gradients, epochs=5, omega=omega, zeta=zeta, omega_decay=decay)
    velocity, position = (torch.zeros(10, 12, dtype=torch.float64) for _ in range(2))
    for update, gradient in enumerate(gradients):
        pole = cmath.exp(omega * factor(decay, update // 100 / 5) * complex(-zeta, math.sqrt(1 - zeta**2)))
        velocity = abs(pole) ** 2 * velocity + abs(1 - pole) ** 2 * (gradient - position)
        position = position + velocity
        assert torch.equal(thetas[update], -position.sign())


def test_an_oscillating_filter_settles_on_a_constant_gradient_while_its_frequency_decays():
    method, hp = BiquadFilter(), BiquadFilter.Hyperparameters(omega=0.5, zeta=0.7, omega_decay="linear")
    state = method.init(column(1)[0], hp, torch.Generator())
    for clock in clocks(10, 50):
        state = method.update(state, column(3)[0], hp, clock)
    assert state["y"].item() == pytest.approx(3, rel=1e-3)


def test_a_finite_window_forgets_a_gradient_after_its_length():
    # Sums of the last 3: 5, 4, 3, -3, -3, -3
    thetas = run(FIRFilter, column(5, -1, -1, -1, -1, -1), window=3)
    assert thetas.flatten().tolist() == [-1, -1, -1, 1, 1, 1]


def test_a_finite_window_is_the_sign_of_the_sum_over_it():
    gradients = normal(100, 6, 7, seed=1)
    expected = torch.stack([-gradients[max(0, i - 6) : i + 1].sum(0).sign() for i in range(100)])
    assert torch.equal(run(FIRFilter, gradients, epochs=4, window=7), expected)


def test_gradients_that_have_left_the_window_leave_no_rounding_error_behind():
    gradients = torch.cat([normal(50, 20, 20, seed=1).float(), torch.zeros(30, 20, 20)])
    thetas = run(FIRFilter, gradients, window=10)
    assert all(torch.equal(theta, thetas[58]) for theta in thetas[59:])


def test_stacked_networks_keep_windows_of_their_own():
    gradients, noise = normal(40, 3, 4, 5, seed=1), normal(3, 4, 5, seed=0)
    stacked = run(FIRFilter, gradients, noise=noise, window=6)
    for k in range(3):
        assert torch.equal(stacked[:, k], run(FIRFilter, gradients[:, k], noise=noise[k], window=6))


@pytest.mark.parametrize(
    ("method", "values", "expected"),
    [
        (EqualFilter, {"order": 1, "alpha": 0.1, "alpha_decay": "none"}, math.acos(0.9) / math.pi),
        (EqualFilter, {"order": 2, "alpha": 0.2, "alpha_decay": "none"}, two_pole_ratio(0.8, 0.8)),
        (CascadeFilter, {"order": 2, "alpha": 0.05, "gamma": 0.3, "alpha_decay": "none"}, two_pole_ratio(0.95, 0.7)),
        (CascadeFilter, {"order": 3, "alpha": 0.1, "gamma": 1.0, "alpha_decay": "none"}, math.acos(0.9) / math.pi),
        (
            BiquadFilter,
            {"omega": 0.3, "zeta": 0.5, "omega_decay": "none"},
            two_pole_ratio(cmath.exp(0.3 * complex(-0.5, 0.75**0.5)), cmath.exp(0.3 * complex(-0.5, -(0.75**0.5)))),
        ),
        (FIRFilter, {"window": 10}, math.acos(1 - 1 / 10) / math.pi),
    ],
)
def test_the_flip_ratio_under_white_noise_is_arccos_of_the_autocorrelation(method, values, expected):
    thetas = run(method, normal(2000, 20, 50, seed=1), **values)
    assert flip_ratio(thetas[200:]) == pytest.approx(expected, rel=0.02)


def test_a_higher_order_flips_less_at_equal_rates():
    gradients = normal(1000, 20, 20, seed=1)
    ratios = [flip_ratio(run(CascadeFilter, gradients, order=order, alpha=0.05, alpha_decay="none")) for order in (2, 3, 4)]
    assert ratios[0] > ratios[1] > ratios[2] > 0


@pytest.mark.parametrize(
    ("method", "values"),
    [
        (CascadeFilter, {"order": 3, "alpha": 0.1}),
        (EqualFilter, {"order": 3, "alpha": 0.1}),
        (BiquadFilter, {"omega": 0.1}),
        (FIRFilter, {"window": 10}),
    ],
)
def test_no_scale_of_the_gradients_changes_a_sign(method, values):
    gradients = normal(100, 5, 6, seed=1)
    assert torch.equal(run(method, gradients, **values), run(method, 1024 * gradients, **values))
    assert method.Hyperparameters.magnitude_based() == ()


@pytest.mark.parametrize(
    ("method", "values"),
    [
        (CascadeFilter, {"order": 1}),
        (CascadeFilter, {"order": 5}),
        (CascadeFilter, {"omega": 0.1}),
        (EqualFilter, {"order": 0}),
        (EqualFilter, {"gamma": 0.1}),
        (BiquadFilter, {"omega": 3.2}),
        (BiquadFilter, {"omega": 0.0}),
        (BiquadFilter, {"zeta": 0.0}),
        (BiquadFilter, {"zeta": 1.1}),
        (FIRFilter, {"window": 0}),
        (FIRFilter, {"alpha": 0.1}),
    ],
)
def test_values_outside_the_domain_and_hyperparameters_of_another_filter_are_refused(method, values):
    with pytest.raises(ValueError, match=next(iter(values))):
        method.Hyperparameters(**values)
