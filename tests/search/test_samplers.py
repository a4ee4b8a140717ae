import math
from dataclasses import replace

import numpy as np
import optuna
import pytest

from hpstudy.errors import StudyError
from hpstudy.goal import Goal
from hpstudy.loading.load import load_study
from hpstudy.search import samplers
from hpstudy.search.random import RandomSearcher
from hpstudy.search.samplers import CMAESSearcher, SamplerSettings, TPESearcher, TPESettings
from hpstudy.search.sobol import sobol_points
from hpstudy.seeds import derive_seed
from hpstudy.study.space import Space
from hpstudy.testing.searchers import SPACES, play

PLANE = Space.model_validate({name: {"type": "float", "low": 0, "high": 1} for name in ("x", "y")})


def branin(x1, x2):
    return (x2 - 5.1 * x1**2 / (4 * np.pi**2) + 5 * x1 / np.pi - 6) ** 2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x1) + 10


def best(searcher, seed, trials=40):
    """The best value of a search on Branin."""

    def value(number, point):
        return branin(-5 + 15 * point["x"], 15 * point["y"])

    return min(past.value for past in play(searcher, PLANE, trials=trials, value=value, goal=Goal.MINIMIZE, seed=seed))


@pytest.mark.parametrize("searcher", [TPESearcher(TPESettings()), CMAESSearcher(SamplerSettings())], ids=["tpe", "cmaes"])
def test_a_sampler_finds_better_points_than_random_search(searcher):
    found, drawn = ([best(one, seed) for seed in range(10)] for one in (searcher, RandomSearcher()))
    assert np.median(found) < np.median(drawn)


@pytest.mark.parametrize("searcher", [TPESearcher(TPESettings()), CMAESSearcher(SamplerSettings())], ids=["tpe", "cmaes"])
def test_the_initial_points_are_those_of_the_sobol_sequence(searcher):
    points = [past.point for past in play(searcher, SPACES["mixed"], trials=5, seed=3)]
    assert points == sobol_points(SPACES["mixed"], seed=3, start=0, count=5)


def test_cma_es_rebuilt_for_every_trial_is_cma_es_that_was_never_interrupted():
    history = play(CMAESSearcher(SamplerSettings(initial=3)), PLANE, trials=20, seed=5)
    study = optuna.create_study(
        sampler=optuna.samplers.CmaEsSampler(n_startup_trials=3, seed=derive_seed(5, "cmaes") % samplers.MAX_SEED)
    )
    asked = {name: samplers.distribution(parameter) for name, parameter in PLANE.items()}
    for past in history:
        if past.number < 3:
            study.enqueue_trial(past.point)
        trial = study.ask(asked)
        assert trial.params == past.point, past.number
        study.tell(trial, -past.value)


def test_every_trial_of_tpe_has_a_seed_of_its_own(monkeypatch):
    seeds = []
    monkeypatch.setattr(optuna.samplers, "TPESampler", lambda *, seed, **settings: seeds.append(seed))
    for number in (5, 6):
        TPESearcher(TPESettings()).sampler(3, number)
    assert seeds == [derive_seed(3, "tpe", number) % 2**32 for number in (5, 6)]


@pytest.mark.parametrize("searcher", [TPESearcher(TPESettings()), CMAESSearcher(SamplerSettings())], ids=["tpe", "cmaes"])
def test_a_value_that_is_not_finite_counts_as_none(searcher):
    history = play(searcher, PLANE, trials=12, value=lambda number, point: point["x"], goal=Goal.MAXIMIZE, seed=3)
    points = [
        searcher.ask(PLANE, [*history[:7], replace(history[7], value=value), *history[8:]], goal=Goal.MAXIMIZE, seed=3, number=12)
        for value in (None, math.inf)
    ]
    assert points[0] == points[1]


def test_choices_of_cma_es_vary_from_trial_to_trial():
    points = [past.point for past in play(CMAESSearcher(SamplerSettings(initial=2)), SPACES["mixed"], trials=20)]
    assert {point["clipping"] for point in points[2:]} == {"none", "gradient", "weight"}
    assert {point["scaling"] for point in points[2:]} == {True, False}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_value_survives_optunas_terms(space):
    for point in sobol_points(space, seed=0, start=0, count=50):
        for name, parameter in ((name, space.root[name]) for name in point):
            given = samplers.encoded(parameter, point[name])
            assert samplers.distribution(parameter)._contains(given)
            assert samplers.decoded(parameter, given) == point[name]
            assert type(samplers.decoded(parameter, given)) is type(point[name])


STUDY = """\
version: 1
name: small
task: {use: branin}
metric: {name: value, goal: minimize}
views: {a: {space: {x1: {type: float, low: -5, high: 10}}, fixed: {x2: 1}}}
search: {searcher: SEARCHER, trials: 10}
replicates: 2
"""


def test_cma_es_of_one_number_is_refused_when_the_study_is_checked(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY.replace("SEARCHER", "cmaes"))
    with pytest.raises(StudyError, match=r"search\.searcher: cmaes needs at least two hyperparameters"):
        load_study(tmp_path / "study.yaml")


def test_a_missing_library_is_an_error_when_the_study_is_checked(tmp_path, monkeypatch):
    (tmp_path / "study.yaml").write_text(STUDY.replace("SEARCHER", "tpe"))
    monkeypatch.setattr(samplers, "find_spec", lambda name: None)
    with pytest.raises(StudyError, match=r"this searcher needs optuna: pip install 'hpstudy\[optuna\]'"):
        load_study(tmp_path / "study.yaml")


def test_optunas_messages_stay_as_the_user_set_them():
    told = optuna.logging.get_verbosity()
    play(TPESearcher(TPESettings(initial=1)), PLANE, trials=3)
    assert optuna.logging.get_verbosity() == told


def test_a_point_that_satisfies_the_constraints_is_not_encoded(monkeypatch):
    monkeypatch.delattr(samplers, "Encoding")
    assert len(play(TPESearcher(TPESettings(initial=1)), PLANE, trials=3)) == 3
