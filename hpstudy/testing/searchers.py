"""Contract suite of searchers.

Subclass it in your tests:

class TestMySearcher(SearcherContract):
    def make(self):
        return MySearcher(MySettings())
"""

from __future__ import annotations

import copy
import math
import random
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from hpstudy.goal import Goal
from hpstudy.search.interface import Observation, Searcher
from hpstudy.study.constraints import parse
from hpstudy.study.models import validated
from hpstudy.study.parameters import ChoiceParameter
from hpstudy.study.space import Point, Space

CONSTRAINTS = {"constrained": ("warmup <= epochs", "first + 2*second <= 1.5")}
"""Constraints of the spaces that have any."""

SPACES: dict[str, Space] = {
    name: Space.model_validate(space).constrained(map(parse, CONSTRAINTS.get(name, ())))
    for name, space in {
        "mixed": {
            "rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True},
            "decay": {"type": "float", "low": 0.0, "high": 1.0},
            "width": {"type": "int", "low": 16, "high": 256, "log": True},
            "scaling": {"type": "choice", "values": [True, False]},
            "clipping": {"type": "choice", "values": ["none", "gradient", "weight"]},
        },
        "steps": {
            "share": {"type": "float", "low": 0.1, "high": 0.8, "step": 0.1},
            "size": {"type": "int", "low": 16, "high": 64, "step": 16},
        },
        "constrained": {
            "warmup": {"type": "int", "low": 0, "high": 8, "step": 2},
            "epochs": {"type": "int", "low": 1, "high": 10, "step": 3},
            "first": {"type": "float", "low": 0.0, "high": 1.0},
            "second": {"type": "float", "low": 0.0, "high": 1.0},
        },
        "conditional": {
            "kernel": {"type": "choice", "values": ["linear", "rbf", "poly"]},
            "gamma": {"type": "float", "low": 1e-4, "high": 1.0, "log": True, "when": {"kernel": ["rbf", "poly"]}},
            "degree": {"type": "int", "low": 2, "high": 5, "step": 1, "when": {"kernel": "poly"}},
            "offset": {"type": "choice", "values": ["none", "one", "free"], "when": {"degree": [3, 4]}},
        },
        "one float": {"rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True}},
        "choices": {
            "scaling": {"type": "choice", "values": [False, True]},
            "batch": {"type": "choice", "values": [16, 32, 64, 128], "ordered": True},
            "clipping": {"type": "choice", "values": ["none", "gradient", "weight"]},
        },
    }.items()
}
"""Spaces with every type of hyperparameter, with steps, constraints and conditions, the smallest one, and one without a float."""


def objective(space: Space, point: Point) -> float:
    """Return a smooth value with one maximum, at 0.3 of every range and the first value of every choice. Absent hyperparameters add 0."""
    value = 0.0
    for name, parameter in space.items():
        if name not in point:
            continue
        if isinstance(parameter, ChoiceParameter):
            value -= 0.2 * parameter.values.index(point[name])
        else:
            value -= (parameter.unit(point[name]) - 0.3) ** 2
    return value


def play(
    searcher: Searcher,
    space: Space,
    *,
    trials: int,
    value: Callable[[int, Point], float | None] | None = None,
    goal: Goal = Goal.MAXIMIZE,
    seed: int = 0,
) -> list[Observation]:
    """Run one search.

    Args:
        searcher: proposes the points.
        space: the search space.
        trials: number of trials.
        value: (number, point) -> the value that the searcher receives. Default: `objective`.
        goal: direction of optimization.
        seed: seed of the search.

    Returns:
        All trials, in order.
    """
    history: list[Observation] = []
    for number in range(trials):
        point = searcher.ask(space, tuple(history), goal=goal, seed=seed, number=number)
        history.append(Observation(number, point, value(number, point) if value else objective(space, point)))
    return history


class SearcherContract(ABC):
    """Requirements of every searcher. A subclass defines `make`, and `trials` if the searcher has a longer initial design."""

    trials = 7
    """Length of the searches in the tests; it must be longer than any initial design."""
    satisfies_constraints = True
    """Whether all points satisfy the constraints of a view. If False, `check` reports them."""

    @abstractmethod
    def make(self) -> Searcher:
        """Return a new searcher."""

    @pytest.fixture(params=sorted(SPACES))
    def space(self, request: pytest.FixtureRequest) -> Space:
        """Each of the spaces, in turn."""
        space = SPACES[request.param]
        if request.param in CONSTRAINTS and not self.satisfies_constraints:
            assert self.make().check(space, self.trials), "`check` must report constraints that the searcher does not satisfy"
            pytest.skip("the searcher refuses constraints")
        return space

    @pytest.fixture
    def mixed(self) -> Space:
        """The space with every type of hyperparameter."""
        return SPACES["mixed"]

    def ask_last(self, space: Space, history: list[Observation], seed: int = 0) -> Point:
        """Return the last point of a search, proposed again by a new searcher."""
        return self.make().ask(space, tuple(history[:-1]), goal=Goal.MAXIMIZE, seed=seed, number=len(history) - 1)

    def test_every_point_is_admitted_by_the_space(self, space: Space) -> None:
        for past in play(self.make(), space, trials=self.trials):
            assert space.admits(past.point), past

    def test_a_new_searcher_asked_for_a_later_trial_only_gives_the_same_point(self, space: Space) -> None:
        history = play(self.make(), space, trials=self.trials)
        assert self.ask_last(space, history) == history[-1].point

    def test_asking_twice_gives_the_same_point(self, mixed: Space) -> None:
        history = play(self.make(), mixed, trials=self.trials - 1)
        searcher = self.make()
        first, second = (searcher.ask(mixed, history, goal=Goal.MAXIMIZE, seed=0, number=len(history)) for _ in range(2))
        assert first == second

    def test_trials_may_be_asked_for_in_any_order(self, mixed: Space) -> None:
        history = play(self.make(), mixed, trials=self.trials)
        searcher = self.make()
        for number in reversed(range(self.trials)):
            assert searcher.ask(mixed, history[:number], goal=Goal.MAXIMIZE, seed=0, number=number) == history[number].point

    def test_a_searcher_that_reads_no_history_needs_none(self, mixed: Space) -> None:
        searcher = self.make()
        if searcher.reads_history:
            return
        for past in play(searcher, mixed, trials=self.trials):
            assert searcher.ask(mixed, (), goal=Goal.MAXIMIZE, seed=0, number=past.number) == past.point

    def test_draws_from_the_global_generators_do_not_change_a_point(self, mixed: Space) -> None:
        history = play(self.make(), mixed, trials=self.trials)
        random.random()
        np.random.random()  # noqa: NPY002 (a library may draw from it)
        if torch := sys.modules.get("torch"):
            torch.rand(1)
        assert self.ask_last(mixed, history) == history[-1].point

    def test_the_global_generators_are_left_as_they_were(self, mixed: Space) -> None:
        history = play(self.make(), mixed, trials=self.trials)
        before = _generator_states()
        self.ask_last(mixed, history)
        assert _generator_states() == before

    def test_a_seed_of_zero_differs_from_a_seed_of_one_unless_the_points_are_listed(self, mixed: Space) -> None:
        zero, one = (play(self.make(), mixed, trials=2, seed=seed) for seed in (0, 1))
        same = [past.point for past in zero] == [past.point for past in one]
        assert same is self.make().lists_points

    def test_the_trials_of_a_search_differ(self) -> None:
        points = [past.point["rate"] for past in play(self.make(), SPACES["one float"], trials=self.trials)]
        assert len(set(points)) == self.trials

    def test_trials_without_a_value_are_accepted(self, space: Space) -> None:
        def every_other(number: int, point: Point) -> float | None:
            return objective(space, point) if number % 2 else None

        for past in play(self.make(), space, trials=self.trials, value=every_other):
            assert space.admits(past.point), past

    def test_a_search_without_any_value_continues(self, mixed: Space) -> None:
        for past in play(self.make(), mixed, trials=self.trials, value=lambda _number, _point: None):
            assert mixed.admits(past.point), past

    def test_minimizing_is_maximizing_the_negative(self, mixed: Space) -> None:
        down = play(
            self.make(), mixed, trials=self.trials, value=lambda _number, point: -objective(mixed, point), goal=Goal.MINIMIZE
        )
        up = play(self.make(), mixed, trials=self.trials)
        assert [past.point for past in down] == [past.point for past in up]

    def test_the_order_of_a_past_points_keys_does_not_matter(self, mixed: Space) -> None:
        history = play(self.make(), mixed, trials=self.trials)
        turned = [Observation(past.number, dict(reversed(past.point.items())), past.value) for past in history]
        assert self.ask_last(mixed, turned) == history[-1].point

    def test_the_history_is_not_changed(self, mixed: Space) -> None:
        history = play(self.make(), mixed, trials=self.trials)
        before = copy.deepcopy(history)
        self.ask_last(mixed, history)
        assert history == before

    @pytest.mark.parametrize("value", [0.0, 1e30, -1e30, 1e-30], ids="{:g}".format)
    def test_values_of_any_size_are_accepted_even_if_all_are_equal(self, value: float) -> None:
        space = SPACES["one float"]
        for past in play(self.make(), space, trials=self.trials, value=lambda _number, _point: value):
            assert space.admits(past.point), past

    @pytest.mark.parametrize("searches", [1, 3])
    def test_the_point_of_a_search_in_lockstep_does_not_depend_on_the_other_searches(self, mixed: Space, searches: int) -> None:
        histories = [play(self.make(), mixed, trials=self.trials - 1, seed=seed) for seed in range(searches + 1)]

        def ask(seeds: list[int]) -> list[Point]:
            shown = [tuple(histories[seed]) for seed in seeds]
            return self.make().ask_many(mixed, shown, goal=Goal.MAXIMIZE, seeds=seeds, number=self.trials - 1)

        points = ask(list(range(searches)))
        assert len(points) == searches
        assert all(mixed.admits(point) for point in points)
        assert ask([*range(1, searches), searches])[:-1] == points[1:]

    def test_searches_in_lockstep_may_lack_values_and_leave_the_global_generators_as_they_were(self, space: Space) -> None:
        histories = [
            play(self.make(), space, trials=self.trials - 1),
            play(self.make(), space, trials=self.trials - 1, value=lambda _number, _point: None, seed=1),
        ]
        before = _generator_states(), copy.deepcopy(histories)
        points = [
            self.make().ask_many(space, histories, goal=Goal.MAXIMIZE, seeds=(0, 1), number=self.trials - 1) for _ in range(2)
        ]
        assert (_generator_states(), histories) == before
        assert points[0] == points[1]
        assert all(space.admits(point) for point in points[0])

    def test_unknown_settings_are_refused(self) -> None:
        with pytest.raises(ValidationError):
            validated(type(self.make()).Settings, {"no_such_setting": math.pi})


def _generator_states() -> list[Any]:
    torch = sys.modules.get("torch")
    numpy_state = [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()]  # noqa: NPY002
    return [random.getstate(), numpy_state, torch.get_rng_state().tolist() if torch else None]
