"""Optuna's samplers as searchers: the tree-structured Parzen estimator and CMA-ES, after an initial Sobol design.

An Optuna study in memory is rebuilt from the history on every ask, so an ask is a function of its arguments; see
`hpstudy.search.interface`. Optuna minimizes, so values to maximize change sign. Choices and ranges with few values are passed as indices.
Optuna is imported when it is needed: pip install 'hpstudy[optuna]'.

References:
    J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl, "Algorithms for hyper-parameter optimization", NeurIPS 2011 (the estimator).
    S. Watanabe, "Tree-structured Parzen estimator: understanding its algorithm components and their roles for better empirical
        performance", 2023, https://arxiv.org/abs/2304.11127.
    N. Hansen, "The CMA evolution strategy: a tutorial", 2016, https://arxiv.org/abs/1604.00772.
    T. Akiba et al., "Optuna: a next-generation hyperparameter optimization framework", KDD 2019, https://arxiv.org/abs/1907.10902.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field

from hpstudy.errors import Problem
from hpstudy.goal import Goal
from hpstudy.search.encoding import Encoding
from hpstudy.search.feasible import feasible_neighbors, projected
from hpstudy.search.interface import Observation, Searcher
from hpstudy.search.linear import linearity_problems
from hpstudy.search.outcomes import has_value
from hpstudy.search.sobol import sobol_points
from hpstudy.search.untried import is_tried, untried_points
from hpstudy.seeds import derive_seed
from hpstudy.study.blocks import Block
from hpstudy.study.parameters import AnyParameter, ChoiceParameter, FloatParameter, IntParameter, Value, same_value
from hpstudy.study.space import Point, Space

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

MAX_SEED = 2**32
"""Optuna's seeds are those of numpy's RandomState."""


class SamplerSettings(Block):
    """Settings of the searchers from Optuna."""

    initial: int = Field(default=5, ge=1)
    """Trials of the initial Sobol design, before the first trial that the sampler proposes. The design is that of the `ax` searcher."""


class TPESettings(SamplerSettings):
    """Settings of the `tpe` searcher."""

    multivariate: bool = True
    """Model all hyperparameters together. If false, each is modeled independently, as Optuna does by default."""


class OptunaSearcher(Searcher):
    """A sampler of Optuna. No point is tried twice while the space has an untried one.

    As in the `ax` searcher, an absent hyperparameter is set to the middle of its range, and a proposed point that violates a constraint is
    moved to a nearby feasible one.
    """

    settings: SamplerSettings
    needs: ClassVar[tuple[str, ...]] = ("optuna",)
    """Modules of the extra hpstudy[optuna]."""

    @abstractmethod
    def sampler(self, seed: int, number: int) -> BaseSampler:
        """A new sampler for trial `number` of the search with `seed`."""

    @abstractmethod
    def replay(self, study: Study, past: Observation, distributions: dict[str, BaseDistribution], params: dict[str, Any]) -> None:
        """Add a past trial to the study; its value is that of `past`, to minimize."""

    def check(self, space: Space, trials: int) -> list[Problem]:
        """See `Searcher.check`. Optuna must be installed, and constraints must be linear in the coordinates, as in the `ax` searcher."""
        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            text = f"this searcher needs {' and '.join(missing)}: pip install 'hpstudy[optuna]'"
            return [Problem(("search", "searcher"), text)]
        return [*super().check(space, trials), *linearity_problems(space)]

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`; see `Searcher.ask`."""
        untried = untried_points(space, history, seed=seed, number=number, count=1)
        if number < self.settings.initial and untried:
            return untried[0]
        distributions = {name: distribution(parameter) for name, parameter in space.items()}
        with _quiet():
            from optuna import create_study

            study = create_study(sampler=self.sampler(seed, number))
            for past in history:
                value = -goal.sign * past.value if past.value is not None and has_value(past) else None
                params = {name: encoded(parameter, past.point.get(name, parameter.at(0.5))) for name, parameter in space.items()}
                self.replay(study, Observation(past.number, past.point, value), distributions, params)
            trial: Trial = study.ask(distributions)
        point = space.present({name: decoded(parameter, trial.params[name]) for name, parameter in space.items()})
        near = _satisfying(space, point)
        untried_near = [candidate for candidate in near if not is_tried(candidate, history)]
        return (untried_near or untried or near or sobol_points(space, seed=seed, start=number, count=1))[0]


class TPESearcher(OptunaSearcher):
    """The tree-structured Parzen estimator. A trial without a value is excluded from its densities."""

    Settings: ClassVar[type[BaseModel]] = TPESettings
    settings: TPESettings

    def sampler(self, seed: int, number: int) -> BaseSampler:
        """Optuna's defaults except for `multivariate`. Each trial has its own seed, because past trials draw nothing."""
        from optuna.samplers import TPESampler

        chosen = derive_seed(seed, "tpe", number) % MAX_SEED
        return TPESampler(n_startup_trials=self.settings.initial, multivariate=self.settings.multivariate, seed=chosen)

    def replay(self, study: Study, past: Observation, distributions: dict[str, BaseDistribution], params: dict[str, Any]) -> None:
        """Add it with its point."""
        from optuna.trial import TrialState, create_trial

        state = TrialState.FAIL if past.value is None else TrialState.COMPLETE
        study.add_trial(create_trial(state=state, value=past.value, params=params, distributions=distributions))


class CMAESSearcher(OptunaSearcher):
    """CMA-ES. Its state depends on its draws, so every past trial is asked again; the stored point is used.

    Choices are drawn independently and uniformly. A trial without a value is excluded from its generation.
    """

    Settings: ClassVar[type[BaseModel]] = SamplerSettings
    needs: ClassVar[tuple[str, ...]] = ("optuna", "cmaes")

    def sampler(self, seed: int, number: int) -> BaseSampler:
        """Optuna's defaults. CMA-ES has one seed for the whole search; choices of past trials are not drawn again."""
        from optuna.samplers import CmaEsSampler, RandomSampler

        choices = RandomSampler(seed=derive_seed(seed, "cmaes choices", number) % MAX_SEED)
        chosen = derive_seed(seed, "cmaes") % MAX_SEED
        return CmaEsSampler(
            n_startup_trials=self.settings.initial, seed=chosen, independent_sampler=choices, warn_independent_sampling=False
        )

    def check(self, space: Space, trials: int) -> list[Problem]:
        """Problems: a search needs two numeric hyperparameters."""
        if sum(not _is_unordered(parameter) for parameter in space.root.values()) < 2:
            return [
                Problem(("search", "searcher"), "cmaes needs at least two hyperparameters that are numbers or ordered choices")
            ]
        return super().check(space, trials)

    def replay(self, study: Study, past: Observation, distributions: dict[str, BaseDistribution], params: dict[str, Any]) -> None:
        """Ask for it, with its point."""
        from optuna.trial import TrialState

        study.enqueue_trial(params)
        trial = study.ask(distributions)
        _ = trial.relative_params  # Repeat the sampler's draws, which a trial with a given point would skip.
        study.tell(trial, past.value, state=TrialState.FAIL if past.value is None else TrialState.COMPLETE)


def distribution(parameter: AnyParameter) -> BaseDistribution:
    """A range in Optuna's terms."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.count is None:
        assert isinstance(parameter, FloatParameter), "only floats have no number of values"
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
    if isinstance(parameter, IntParameter) and parameter.log:
        return IntDistribution(parameter.low, parameter.high, log=True)
    if _is_unordered(parameter):
        return CategoricalDistribution(range(parameter.count))
    return IntDistribution(0, parameter.count - 1)


def encoded(parameter: AnyParameter, value: Value) -> Value:
    """A value in the representation of `distribution`."""
    if _is_unchanged(parameter):
        return value
    if isinstance(parameter, ChoiceParameter):
        return next(index for index, choice in enumerate(parameter.values) if same_value(choice, value))
    return parameter.index(value)


def decoded(parameter: AnyParameter, code: Any) -> Value:
    """The value for Optuna's representation."""
    if _is_unchanged(parameter):
        return float(code) if parameter.count is None else int(code)
    return parameter.value(int(code))


def _is_unchanged(parameter: AnyParameter) -> bool:
    """Whether Optuna receives the values themselves and not their indices."""
    return parameter.count is None or (isinstance(parameter, IntParameter) and parameter.log)


def _satisfying(space: Space, point: Point) -> list[Point]:
    """The point if it satisfies the constraints, otherwise feasible points near it."""
    if space.satisfies(point):  # without an encoding, which takes 1 ms for each wide range of whole numbers
        return [point]
    point = projected(Encoding(space), point)
    return [point] if space.satisfies(point) else feasible_neighbors(space, point)


def _is_unordered(parameter: AnyParameter) -> bool:
    return isinstance(parameter, ChoiceParameter) and not parameter.ordered


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress Optuna's messages and its warnings about experimental features."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
