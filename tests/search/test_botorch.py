"""What differs from the `ax` searcher, whose tests (tests/search/test_ax.py) also run with this one."""

import logging
import math
import warnings

import pytest
import torch

from hpstudy.goal import Goal
from hpstudy.search.ax import AxSearcher
from hpstudy.search.botorch import BoTorchSearcher, BoTorchSettings, no_deprecations
from hpstudy.search.interface import Observation
from hpstudy.search.sobol import SobolSearcher
from hpstudy.study.constraints import parse
from hpstudy.study.space import Space
from hpstudy.testing.searchers import SPACES, objective, play

RATE, MIXED = SPACES["one float"], SPACES["mixed"]


@pytest.fixture
def searcher():
    return BoTorchSearcher(BoTorchSettings(initial=4))


@pytest.mark.parametrize("kind", [DeprecationWarning, FutureWarning])
def test_deprecated_parts_of_torch_are_no_warning_to_users(kind):
    with no_deprecations():
        warnings.warn("`torch.jit.script` is deprecated", kind, stacklevel=1)


@pytest.mark.parametrize("name", ["mixed", "conditional"])
def test_points_are_those_of_ax_in_lockstep(searcher, name):
    space = SPACES[name]
    histories = [play(SobolSearcher(), space, trials=8, seed=seed) for seed in range(3)]
    arguments = {"goal": Goal.MAXIMIZE, "number": 8}
    ax = AxSearcher(BoTorchSettings(initial=4))
    assert searcher.ask_many(space, histories, seeds=[0, 1, 2], **arguments) == ax.ask_many(
        space, histories, seeds=[0, 1, 2], **arguments
    )
    assert [searcher.ask(space, histories[2], seed=2, **arguments)] == ax.ask_many(space, histories[2:], seeds=[2], **arguments)


def test_the_surrogate_gives_a_point_of_its_own(searcher):
    history = play(SobolSearcher(), MIXED, trials=6)
    point = searcher.ask(MIXED, history, goal=Goal.MAXIMIZE, seed=0, number=6)
    assert point != SobolSearcher().ask(MIXED, history, goal=Goal.MAXIMIZE, seed=0, number=6)


UNIT = {"type": "float", "low": 0.0, "high": 1.0}


def constrained(constraint, first=UNIT, second=UNIT):
    return Space.model_validate({"first": first, "second": second}).constrained([parse(constraint)])


def test_a_maximum_on_a_constraint_is_found(searcher):
    """Without the constraint the maximum would be at (0.3, 0.3); with it, at (0.2, 0.2)."""
    space = constrained("first + second <= 0.4")
    history = play(searcher, space, trials=14)
    assert all(space.satisfies(past.point) for past in history)
    best = max(history, key=lambda past: past.value)
    assert best.point["first"] == pytest.approx(0.2, abs=0.05)
    assert best.value > -0.025  # -0.02 at the maximum
    assert max(objective(space, past.point) for past in play(SobolSearcher(), space, trials=14)) < best.value


def test_rounding_does_not_violate_a_constraint(searcher):
    levels = {"type": "int", "low": 0, "high": 4}
    space = constrained("first + 2*second <= 3", levels, levels)
    history = play(searcher, space, trials=8)
    assert all(space.satisfies(past.point) for past in history)
    assert len({tuple(past.point.values()) for past in history[:6]}) == 6  # the six feasible points


def test_a_constraint_that_is_not_linear_in_the_coordinates_is_refused(searcher):
    space = constrained("first + second <= 0.4", {"type": "float", "low": 1e-3, "high": 1.0, "log": True})
    (problem,) = searcher.check(space, 10)
    assert "is not linear where 'first' is searched on a log scale" in problem.message


def test_without_a_surrogate_the_sobol_sequence_goes_on_and_the_log_says_so(searcher, monkeypatch, caplog):
    from hpstudy.search.batched.process import Hyperparameters

    def hopeless(trials, **_):
        searches, _, width = trials.points.shape
        return Hyperparameters(
            *(torch.full(shape, math.nan, dtype=torch.float64) for shape in ((searches,), (searches,), (searches, width)))
        )

    history = play(SobolSearcher(), RATE, trials=5)
    monkeypatch.setattr("hpstudy.search.batched.propose.fit", hopeless)
    with caplog.at_level(logging.WARNING, logger="hpstudy"):
        point = searcher.ask(RATE, history, goal=Goal.MAXIMIZE, seed=0, number=5)
    assert point == SobolSearcher().ask(RATE, history, goal=Goal.MAXIMIZE, seed=0, number=5)
    assert "trial 5 takes a Sobol point" in caplog.text


def test_the_initial_design_is_logged_nowhere(searcher, caplog):
    history = [Observation(past.number, past.point, None) for past in play(SobolSearcher(), RATE, trials=5)]
    with caplog.at_level(logging.WARNING, logger="hpstudy"):
        for number in (0, 3, 5):
            searcher.ask(RATE, history[:number], goal=Goal.MAXIMIZE, seed=0, number=number)
    assert caplog.text == ""
