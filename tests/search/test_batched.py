"""The batched surrogates are those of a search alone, and so Ax's: the same values, fit and acquisition."""

import json
import math
import subprocess
import sys
import warnings
from dataclasses import replace

import pytest
import torch

from hpstudy.goal import Goal
from hpstudy.search.ax import AxSearcher
from hpstudy.search.botorch import BoTorchSettings
from hpstudy.search.effort import DEFAULT, FAST
from hpstudy.search.encoding import Encoding
from hpstudy.search.interface import Observation
from hpstudy.search.snapping import Snapping
from hpstudy.search.sobol import sobol_points
from hpstudy.seeds import derive_seed, seeded_block
from hpstudy.study.space import Space
from hpstudy.testing.searchers import SPACES
from hpstudy.testing.searchers import objective as smooth

with warnings.catch_warnings():
    warnings.simplefilter("ignore", category=DeprecationWarning)  # GPyTorch uses torch.jit
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement
    from botorch.sampling.normal import SobolQMCNormalSampler
    from gpytorch.mlls import ExactMarginalLogLikelihood

    from hpstudy.search.batched import propose
    from hpstudy.search.batched.improvement import NoisyImprovement, normal_samples, possible_best
    from hpstudy.search.batched.process import Hyperparameters, Posterior, Trials, cholesky, fit, objective
    from hpstudy.search.batched.propose import tabulated
    from hpstudy.search.single.propose import acquisition
    from hpstudy.search.single.surrogate import fitted

NUMBER = 11


def history(space, seed, *, missing=(3, 7), scale=1.0):
    """A search at Sobol points, with an outlier, and without values for some trials."""
    points = sobol_points(space, seed=seed, start=0, count=NUMBER)
    values = [scale * (smooth(space, point) + 0.03 * math.sin(97 * number + seed)) for number, point in enumerate(points)]
    values[5] -= 9 * scale
    return [Observation(n, point, None if n in missing else values[n]) for n, point in enumerate(points)]


@pytest.fixture(scope="module", params=["mixed", "one float"])
def searches(request):
    """Three searches with different numbers of values: space, histories, and their trials as tensors."""
    space = SPACES[request.param]
    histories = [history(space, 0), history(space, 1, missing=()), history(space, 2, missing=(1, 2, 5, 9))]
    encoding = Encoding(space)
    trials, first = tabulated(encoding, histories, Goal.MAXIMIZE, NUMBER)
    snap = Snapping(encoding)
    return space, histories, Trials(snap(trials.points), trials.values, trials.valued), first


@pytest.fixture(scope="module")
def models(searches):
    """The Gaussian process of each of them alone."""
    space, histories, *_ = searches
    return [fitted(Encoding(space), past, goal=Goal.MAXIMIZE, effort=FAST) for past in histories]


def hyperparameters_of(models):
    return Hyperparameters(
        torch.stack([model.likelihood.noise.detach().squeeze() for model in models]),
        torch.stack([model.mean_module.constant.detach() for model in models]),
        torch.stack([model.covar_module.lengthscale.detach().squeeze(0) for model in models]),
    )


def test_the_trials_are_those_that_a_search_alone_fits(searches, models):
    *_, trials, _ = searches
    for search, model in enumerate(models):
        valued = trials.valued[search]
        torch.testing.assert_close(trials.points[search][valued], model.train_inputs[0], rtol=0, atol=1e-15)
        torch.testing.assert_close(trials.values[search][valued], model.train_targets, rtol=1e-12, atol=1e-12)


def test_of_trials_at_one_point_the_first_is_in_the_baseline():
    space = SPACES["mixed"]
    past = history(space, 0, missing=())
    _, first = tabulated(Encoding(space), [[*past[:2], replace(past[2], point=past[0].point)]], Goal.MAXIMIZE, 3)
    assert first[0].tolist() == [True, True, False, *[False] * (propose.ROW_MULTIPLE - 3)]


def test_the_starts_of_every_trial_of_every_search_have_a_seed_of_their_own(monkeypatch):
    space, seeds, draw = SPACES["mixed"], [], propose.draw_sobol_samples
    monkeypatch.setattr(
        propose, "draw_sobol_samples", lambda *rest, seed, **more: seeds.append(seed) or draw(*rest, seed=seed, **more)
    )
    for number in (6, 7):
        histories = [history(space, search, missing=())[:number] for search in (3, 4)]
        propose.propose(space, histories, goal=Goal.MAXIMIZE, seeds=[3, 4], number=number, effort=FAST)
    assert seeds == [derive_seed(search, "start", number) for number in (6, 7) for search in (3, 4)]


def test_the_objective_of_the_fit_is_the_one_that_botorch_minimizes(searches, models):
    *_, trials, _ = searches
    here = objective(trials, hyperparameters_of(models))
    for search, model in enumerate(models):
        model.train()
        mll = ExactMarginalLogLikelihood(model.likelihood, model)
        there = -mll(model(*model.train_inputs), model.train_targets)
        model.eval()
        assert here[search].item() == pytest.approx(there.item(), abs=1e-12)


@pytest.mark.parametrize("effort", [FAST, DEFAULT], ids=["fast", "default"])
def test_the_fit_is_as_good_as_botorchs(searches, models, effort):
    *_, trials, _ = searches
    fitted = objective(trials, fit(trials, tolerance=effort.fit_tolerance))
    assert torch.all(fitted <= objective(trials, hyperparameters_of(models)) + 1e-4)


def test_a_fit_that_fails_gives_nan_and_leaves_the_others_as_they_are(searches):
    *_, trials, _ = searches
    broken = replace(trials, values=trials.values.index_fill(0, torch.tensor(1), math.nan))
    before, after = (fit(given, tolerance=FAST.fit_tolerance) for given in (trials, broken))
    assert after.noise.isnan().tolist() == [False, True, False]
    assert torch.equal(before.lengthscale[[0, 2]], after.lengthscale[[0, 2]])


def test_the_posterior_is_that_of_botorchs_model(searches, models):
    *_, trials, _ = searches
    posterior = Posterior(trials, hyperparameters_of(models))
    for search, model in enumerate(models):
        expected = model.posterior(trials.points[search]).distribution
        torch.testing.assert_close(posterior.mean[search], expected.mean, rtol=0, atol=1e-8)
        torch.testing.assert_close(posterior.covariance[search], expected.covariance_matrix, rtol=0, atol=1e-8)


def test_the_acquisition_is_botorchs_at_the_same_samples(searches, models, monkeypatch):
    space, _, trials, first = searches
    encoding = Encoding(space)
    posterior = Posterior(trials, hyperparameters_of(models))
    baseline = possible_best(posterior, trials.valued & first, [0, 1, 2]) | (first & ~trials.valued)
    candidates = torch.rand(3, 50, encoding.width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.empty(3, 50, dtype=torch.float64)
    of_rows, of_candidate = normal_samples(baseline, [0, 1, 2])
    for search, model in enumerate(models):
        sampler = SobolQMCNormalSampler(torch.Size([512]), seed=search)
        rows = trials.points[search][baseline[search]]
        theirs = qLogNoisyExpectedImprovement(model, rows, sampler=sampler, prune_baseline=False)
        expected[search] = theirs(candidates[search][:, None]).detach()
        samples = theirs.sampler.base_samples.view(512, -1)
        of_rows[search][:, baseline[search]], of_candidate[search] = samples[:, :-1], samples[:, -1]
    monkeypatch.setattr("hpstudy.search.batched.improvement.normal_samples", lambda *_: (of_rows, of_candidate))
    here = NoisyImprovement(posterior, baseline, [0, 1, 2], Snapping(encoding))(candidates)
    torch.testing.assert_close(here, expected, rtol=0, atol=1e-6)


def test_the_baseline_is_the_one_that_botorch_prunes_to(searches, models):
    """But for points that are the best in less than 2 of 1,000 samples, which depend on the samples."""
    *_, trials, first = searches
    posterior = Posterior(trials, hyperparameters_of(models))
    kept = possible_best(posterior, trials.valued & first, [0, 1, 2])
    for search, model in enumerate(models):
        observed = trials.points[search][trials.valued[search]]
        samples = model.posterior(observed).sample(torch.Size([10_000])).squeeze(-1)
        share = torch.bincount(samples.argmax(1), minlength=len(observed)) / 10_000
        assert torch.all(kept[search][trials.valued[search]][share > 0.002])
        assert not torch.any(kept[search][trials.valued[search]][share == 0])


def test_the_acquisition_is_that_of_a_search_alone_within_sampling_error(searches, models):
    """With its pruned baseline and pending points: of 20 candidates, the improvements agree within 10 %."""
    space, histories, trials, first = searches
    encoding = Encoding(space)
    candidates = sobol_points(space, seed=5, start=0, count=20)
    coordinates = torch.tensor([encoding.encode(point) for point in candidates], dtype=torch.float64)
    posterior = Posterior(trials, hyperparameters_of(models))
    baseline = possible_best(posterior, trials.valued & first, [0, 1, 2]) | (first & ~trials.valued)
    here = NoisyImprovement(posterior, baseline, [0, 1, 2], Snapping(encoding))(coordinates.expand(3, -1, -1))
    for search, (past, model) in enumerate(zip(histories, models, strict=True)):
        with seeded_block(search):
            theirs = acquisition(encoding, model, past)(coordinates[:, None])
        difference = here[search].exp() - theirs.exp()
        assert difference.abs().max() < 0.1 * here[search].exp().max()


def test_jitter_is_added_to_the_matrices_that_need_it_alone():
    """A matrix with an eigenvalue of -3e-8 needs the second jitter, one with -3e-6 a later one."""
    basis, _ = torch.linalg.qr(torch.rand(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    matrices = torch.stack(
        [basis @ torch.diag(torch.tensor([1.0, 1.0, low]).double()) @ basis.T for low in (0.5, -3e-8, -3e-6, -1.0)]
    )
    factor = cholesky(matrices)
    assert torch.equal(factor[0], torch.linalg.cholesky(matrices[0]))
    for index, jitter in ((1, 1e-7), (2, 1e-5)):
        torch.testing.assert_close(factor[index] @ factor[index].T, matrices[index] + jitter * torch.eye(3), rtol=0, atol=1e-12)
    assert factor[3].isnan().all()


def exact(points):
    """Points as text that shows every bit of their numbers."""
    return [repr(sorted(point.items())) if point else None for point in points]


def ask_many(space, histories, seeds, *, goal=Goal.MAXIMIZE, **settings):
    return AxSearcher(BoTorchSettings(**settings)).ask_many(space, histories, goal=goal, seeds=seeds, number=len(histories[0]))


def proposals(space, histories, seeds):
    return exact(ask_many(space, histories, seeds))


@pytest.mark.parametrize("name", ["mixed", "one float"])
def test_other_searches_do_not_change_a_bit_of_a_proposal(name):
    space = SPACES[name]
    histories, seeds = [history(space, seed, missing=(seed,)) for seed in range(5)], list(range(5))
    alone = proposals(space, histories, seeds)
    others = [
        [history(space, 7 + search, missing=range(search)) for search in range(5)],  # other points and other numbers of values
        [history(space, 3, scale=1e9) for _ in range(5)],
        [history(space, 3, missing=range(NUMBER)) for _ in range(5)],  # nothing to fit
        [[Observation(n, histories[0][0].point, float(n)) for n in range(NUMBER)] for _ in range(5)],  # one point again and again
    ]
    for neighbors in others:
        for kept in range(5):
            mixed = [histories[search] if search == kept else neighbors[search] for search in range(5)]
            assert proposals(space, mixed, [seed if seed == kept else 11 + seed for seed in seeds])[kept] == alone[kept]


@pytest.mark.parametrize("name", ["mixed", "one float"])
def test_the_order_of_the_searches_does_not_change_a_bit_of_a_proposal(name):
    space = SPACES[name]
    histories, seeds = [history(space, seed, missing=(seed,)) for seed in range(5)], list(range(5))
    alone = proposals(space, histories, seeds)
    for order in ([4, 3, 2, 1, 0], [2, 0, 4, 1, 3]):
        assert proposals(space, [histories[n] for n in order], [seeds[n] for n in order]) == [alone[n] for n in order]


def test_a_fresh_process_proposes_the_same_bits():
    histories = [history(SPACES["mixed"], seed) for seed in range(3)]
    rows = [[(past.number, past.point, past.value) for past in trials] for trials in histories]
    script = (
        "import json, sys\n"
        "from hpstudy.goal import Goal\n"
        "from hpstudy.search.ax import AxSearcher\n"
        "from hpstudy.search.botorch import BoTorchSettings\n"
        "from hpstudy.search.interface import Observation\n"
        "from hpstudy.testing.searchers import SPACES\n"
        "histories = [[Observation(*row) for row in rows] for rows in json.load(sys.stdin)]\n"
        "arguments = {'goal': Goal.MAXIMIZE, 'seeds': [0, 1, 2], 'number': len(histories[0])}\n"
        "points = AxSearcher(BoTorchSettings()).ask_many(SPACES['mixed'], histories, **arguments)\n"
        "print(json.dumps([repr(sorted(point.items())) for point in points]))\n"
        "print('ax' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=json.dumps(rows), capture_output=True, text=True, check=True)
    points, imports_ax = map(json.loads, done.stdout.replace("False", "false").splitlines())
    assert (points, imports_ax, done.stderr) == (proposals(SPACES["mixed"], histories, [0, 1, 2]), False, "")


def test_a_search_in_its_initial_design_gets_its_sobol_point():
    space = SPACES["mixed"]
    histories = [history(space, seed)[:4] for seed in range(3)]
    expected = [sobol_points(space, seed=seed, start=4, count=1)[0] for seed in range(3)]
    assert ask_many(space, histories, [0, 1, 2]) == expected


def test_a_search_with_one_value_gets_its_sobol_point_and_the_others_their_surrogates():
    space = SPACES["mixed"]
    histories = [history(space, 0), history(space, 1, missing=range(1, NUMBER)), history(space, 2)]
    points = ask_many(space, histories, [0, 1, 2])
    assert points[1] == sobol_points(space, seed=1, start=NUMBER, count=1)[0]
    assert points[0] != sobol_points(space, seed=0, start=NUMBER, count=1)[0]


def test_a_search_whose_surrogate_cannot_be_fitted_is_asked_alone(monkeypatch):
    space = SPACES["mixed"]
    histories = [history(space, seed) for seed in range(3)]
    expected = ask_many(space, histories, [0, 1, 2])

    def failing(*arguments, **keywords):
        fitted = fit(*arguments, **keywords)
        parts = (fitted.noise, fitted.mean, fitted.lengthscale)
        return Hyperparameters(*(part.index_fill(0, torch.tensor(1), math.nan) for part in parts))

    monkeypatch.setattr("hpstudy.search.batched.propose.fit", failing)
    points = ask_many(space, histories, [0, 1, 2])
    expected[1] = AxSearcher(BoTorchSettings()).ask(space, histories[1], goal=Goal.MAXIMIZE, seed=1, number=NUMBER)
    assert points == expected


def play_many(space, trials, searches, **settings):
    histories = [[] for _ in range(searches)]
    for number in range(trials):
        for past, point in zip(histories, ask_many(space, histories, list(range(searches)), **settings), strict=True):
            past.append(Observation(number, point, smooth(space, point)))
    return histories


def test_smooth_functions_are_maximized_within_a_hundredth_of_their_range():
    space = SPACES["one float"]
    for past in play_many(space, 8, 3, initial=2):
        best = max(past, key=lambda trial: trial.value)
        assert abs(space.root["rate"].unit(best.point["rate"]) - 0.3) < 0.01


def test_no_point_of_a_finite_space_is_tried_twice_while_one_is_left():
    space = Space.model_validate(
        {"layers": {"type": "int", "low": 1, "high": 3}, "scaling": {"type": "choice", "values": [True, False]}}
    )
    for past in play_many(space, 7, 3, initial=2):
        assert len({str(trial.point) for trial in past}) == 6


def test_among_the_points_left_the_acquisition_chooses():
    """Of the two whole numbers left, the one beside the best is taken, not the one beside the worst."""
    space = Space.model_validate({"layers": {"type": "int", "low": 1, "high": 8}})
    layers = (1, 3, 4, 5, 6, 8)
    histories = [[Observation(i, {"layers": n}, sign * n) for i, n in enumerate(layers)] for sign in (1.0, -1.0)]
    assert ask_many(space, histories, [0, 0]) == [{"layers": 7}, {"layers": 2}]


def test_a_point_without_a_value_is_avoided():
    space = SPACES["one float"]
    histories = [history(space, seed, missing=()) for seed in range(2)]
    wanted = ask_many(space, histories, [0, 1])
    failed = [[*past, Observation(NUMBER, point, None)] for past, point in zip(histories, wanted, strict=True)]
    for first, second in zip(wanted, ask_many(space, failed, [0, 1]), strict=True):
        assert abs(math.log10(second["rate"] / first["rate"])) > 0.02


@pytest.mark.parametrize(
    "values", [[1e30, 1.0, 2.0, 3.0, -1e30], [1e308, -1e308, 1.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0], [3, 1, 4, 1, 5]], ids=str
)
def test_extreme_values_give_admitted_points(values):
    space = SPACES["mixed"]
    histories = [
        [Observation(past.number, past.point, value) for past, value in zip(history(space, seed)[:5], values, strict=True)]
        for seed in range(2)
    ]
    assert all(space.admits(point) for point in ask_many(space, histories, [0, 1]))


def test_the_default_effort_proposes_too():
    space = SPACES["mixed"]
    points = ask_many(space, [history(space, seed) for seed in range(2)], [0, 1], effort="default")
    assert all(space.admits(point) for point in points)
