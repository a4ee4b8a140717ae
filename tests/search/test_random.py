import numpy as np
from scipy.stats import kstest

from hpstudy.goal import Goal
from hpstudy.search.random import RandomSearcher
from hpstudy.study.space import Space

LOG = Space.model_validate({"rate": {"type": "float", "low": 1e-4, "high": 1.0, "log": True}})


def rates(seeds, numbers):
    searcher = RandomSearcher()
    return [searcher.ask(LOG, (), goal=Goal.MAXIMIZE, seed=s, number=n)["rate"] for s in seeds for n in numbers]


def test_a_point_does_not_depend_on_the_history():
    assert rates([0], [5]) == rates([0], range(6))[5:]


def test_points_are_uniform_on_the_log_scale_over_the_trials_of_a_search():
    assert kstest(np.log10(rates([0], range(400))) / 4 + 1, "uniform").pvalue > 0.01


def test_points_are_uniform_on_the_log_scale_over_the_seeds_of_a_trial():
    assert kstest(np.log10(rates(range(400), [0])) / 4 + 1, "uniform").pvalue > 0.01
