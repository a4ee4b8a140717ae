"""Bayesian optimization by Ax and BoTorch, after an initial Sobol design.

Ax keeps no numerical state between two asks: it fits its Gaussian process from scratch. Therefore the Ax experiment is rebuilt from the
history on every ask (a few ms), and the result depends only on the arguments; see `hpstudy.search.interface`.

Ax receives coordinates in [0, 1] (`hpstudy.search.encoding`). The Gaussian process snaps coordinates of integers and choices to their
cells. Ax's default for choices, one acquisition optimization for each combination of values, takes more than twice as long on four floats
and two two-valued choices. Otherwise surrogate, outcome transforms and acquisition (noisy expected improvement) are Ax's defaults.

Several searches are asked at once without Ax, by the same model and acquisition as one batch of tensors (`hpstudy.search.batched`). Only
this file uses Ax; importing it takes seconds, so it is imported inside `ask`.

References:
    S. Ament et al., "Unexpected improvements to expected improvement for Bayesian optimization", NeurIPS 2023,
        https://arxiv.org/abs/2310.20708 (the acquisition).
    C. Hvarfner et al., "Vanilla Bayesian optimization performs great in high dimensions", ICML 2024,
        https://arxiv.org/abs/2402.02229 (the surrogate's priors).
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, Field

from hpstudy.errors import Problem
from hpstudy.goal import Goal
from hpstudy.search.effort import DEFAULT, FALLBACKS, FAST, Effort
from hpstudy.search.encoding import Encoding
from hpstudy.search.feasible import feasible_neighbours, projected
from hpstudy.search.interface import Observation, Searcher
from hpstudy.search.linear import linearity_problems
from hpstudy.search.outcomes import has_value, robustly_scaled
from hpstudy.search.snapping import Snapping
from hpstudy.search.sobol import sobol_points
from hpstudy.search.untried import is_tried, untried_points
from hpstudy.seeds import derive_seed, seeded_block
from hpstudy.study.blocks import Block
from hpstudy.study.space import Point, Space

if TYPE_CHECKING:
    from ax.core.observation import ObservationFeatures
    from ax.core.search_space import SearchSpace
    from torch import Tensor

logger = logging.getLogger(__name__)

CONSTRAINT_SLACK = 1e-7
"""Distance in coordinates by which Ax's constraints are wider than the true ones. Ax excludes trials that violate them from the
acquisition's baseline, and the best trials often lie on a constraint."""

METRIC = "objective"
"""Ax's name of a trial's value. It is always maximized: values to minimize change sign."""


class AxSettings(Block):
    """Settings of the `ax` searcher."""

    initial: int = Field(default=5, ge=2)
    """Trials of the initial Sobol design, before the first trial that the surrogate proposes."""
    effort: Literal["fast", "default"] = "fast"
    """How the acquisition is optimized: `default` as in Ax; `fast` from fewer starts, in 40% to 70% of the time per ask."""


class AxSearcher(Searcher):
    """Ax's default Bayesian optimization: a Gaussian process and noisy expected improvement.

    Trials before `initial`, and trials for which fewer than two past trials have a value, come from the search's Sobol sequence:
    the same points as `SobolSearcher`'s. A trial without a value (or with one that is not finite) is passed to Ax as pending,
    which keeps the search away from its point. No point is tried twice while the space holds an untried one.

    Constraints are passed to Ax as linear constraints on the coordinates. Rounding to integers and steps may violate them. Then real
    numbers are moved to the nearest ones that satisfy them; otherwise the acquisition chooses among neighbors that do and untried points of
    the Sobol sequence.
    """

    Settings: ClassVar[type[BaseModel]] = AxSettings
    settings: AxSettings

    def check(self, space: Space, trials: int) -> list[Problem]:
        """Problems: an initial design that is too long, and constraints that are not linear in the coordinates."""
        return [*super().check(space, trials), *linearity_problems(space)]

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`; see `Searcher.ask`."""
        if number >= self.settings.initial and sum(map(has_value, history)) >= 2:
            with _quiet(), seeded_block(derive_seed(seed, "ask", number)):
                proposed = self._propose(space, history, goal=goal, seed=seed, number=number)
            if proposed is not None:
                return proposed
        untried = untried_points(space, history, seed=seed, number=number, count=1)
        return untried[0] if untried else sobol_points(space, seed=seed, start=number, count=1)[0]

    def ask_many(
        self, space: Space, histories: Sequence[Sequence[Observation]], *, goal: Goal, seeds: Sequence[int], number: int
    ) -> list[Point]:
        """The points of trial `number` of several searches; see `Searcher.ask_many`.

        A search in its initial design, or whose surrogate cannot be fitted, gets the point of `ask`. So do all searches with constraints,
        which the batched optimizer does not support.
        """
        proposed: list[Point | None] = [None] * len(seeds)
        if number >= self.settings.initial and not space.constraints:
            with _no_deprecations():
                from hpstudy.search.batched.propose import propose

            effort = FAST if self.settings.effort == "fast" else DEFAULT
            proposed = propose(space, histories, goal=goal, seeds=seeds, number=number, effort=effort)
        return [
            self.ask(space, history, goal=goal, seed=seed, number=number) if point is None else point
            for point, history, seed in zip(proposed, histories, seeds, strict=True)
        ]

    def _propose(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point | None:
        """The surrogate's proposal; None if there is no surrogate, or no point to propose."""
        import numpy as np
        from botorch.exceptions.errors import ModelFittingError

        encoding = Encoding(space)
        pending = {METRIC: [features(encoding, past.point) for past in history if not has_value(past)]}
        try:
            adapter = fitted_adapter(encoding, history, goal=goal, effort=self.settings.effort)
        except ModelFittingError as error:
            logger.warning("no Gaussian process could be fitted (%s): trial %d takes a Sobol point", error, number)
            return None
        options = {"optimizer_kwargs": _optimizer(FAST)} if self.settings.effort == "fast" else {}
        feasible = _search_space(encoding, encoding.constraints())
        run = adapter.gen(n=1, pending_observations=pending, model_gen_options=options, search_space=feasible)
        proposed = run.arms[0].parameters
        point = projected(encoding, encoding.decode([float(proposed[name]) for name in _names(encoding)]))
        if space.satisfies(point) and not is_tried(point, history):
            return point
        untried = [near for near in feasible_neighbours(space, point) if not is_tried(near, history)]
        untried += untried_points(space, history, seed=seed, number=number, count=FALLBACKS)
        if not untried:
            return point if space.satisfies(point) else None
        values = adapter.evaluate_acquisition_function([features(encoding, p) for p in untried], pending_observations=pending)
        return untried[int(np.argmax(values))]


def _names(encoding: Encoding) -> list[str]:
    """Ax's names of the coordinates."""
    return [f"x{column}" for column in range(encoding.width)]


def features(encoding: Encoding, point: Point) -> ObservationFeatures:
    """A point in Ax's representation."""
    from ax.core.observation import ObservationFeatures

    return ObservationFeatures(dict(zip(_names(encoding), encoding.encode(point), strict=True)))


def fitted_adapter(encoding: Encoding, history: Sequence[Observation], *, goal: Goal, effort: str) -> Any:
    """Ax's adapter, with a Gaussian process fitted to the trials that have a value.

    Raises:
        botorch.exceptions.errors.ModelFittingError: if every attempt to fit it failed.
    """
    from ax.adapter.registry import Generators

    experiment, data = _experiment(encoding, history, goal)
    return Generators.BOTORCH_MODULAR(experiment=experiment, data=data, surrogate_spec=_surrogate(encoding, effort == "fast"))


def _search_space(encoding: Encoding, constraints: Sequence[tuple[dict[int, float], float]] = ()) -> SearchSpace:
    """The unit cube under constraints, as an Ax search space."""
    from ax.core.parameter import ParameterType, RangeParameter
    from ax.core.parameter_constraint import ParameterConstraint
    from ax.core.search_space import SearchSpace

    inequalities = [
        f"{' + '.join(f'{weight:.17f} * x{column}' for column, weight in weights.items())} <= {bound + CONSTRAINT_SLACK:.17f}"
        for weights, bound in constraints
    ]
    return SearchSpace(
        [RangeParameter(name, ParameterType.FLOAT, 0.0, 1.0) for name in _names(encoding)],
        [ParameterConstraint(inequality=inequality) for inequality in inequalities],
    )


def _optimizer(effort: Effort) -> dict[str, Any]:
    """An effort as Ax options."""
    options = {"maxiter": effort.iterations, "init_batch_limit": effort.raw_samples}
    return {"num_restarts": effort.restarts, "raw_samples": effort.raw_samples, "options": options}


def _experiment(encoding: Encoding, history: Sequence[Observation], goal: Goal) -> tuple[Any, Any]:
    """The trials with a value as an Ax experiment, and their values as Ax data."""
    import pandas as pd
    from ax.core.data import Data
    from ax.core.experiment import Experiment
    from ax.core.metric import Metric
    from ax.core.objective import Objective
    from ax.core.optimization_config import OptimizationConfig

    experiment = Experiment(
        search_space=_search_space(encoding),
        optimization_config=OptimizationConfig(Objective(METRIC, metric_name_to_signature={METRIC: METRIC})),
        metrics=[Metric(METRIC, lower_is_better=False)],
    )
    valued = [past for past in history if has_value(past)]
    rows = []
    for past, mean in zip(valued, robustly_scaled(valued, goal), strict=True):
        # Ax names the arm, because it treats a repeated point as the same arm.
        arms, index = experiment.attach_trial([features(encoding, past.point).parameters])
        experiment.trials[index].mark_completed()
        rows += [(index, arm, METRIC, METRIC, mean, math.nan) for arm in arms]
    columns = ["trial_index", "arm_name", "metric_name", "metric_signature", "mean", "sem"]
    return experiment, Data(df=pd.DataFrame(rows, columns=columns))


def _surrogate(encoding: Encoding, fast: bool) -> Any:
    """The settings of Ax's Gaussian process: its defaults, except for snapping and, with `fast`, the stopping tolerance."""
    from ax.generators.torch.botorch_modular.surrogate import SurrogateSpec
    from ax.generators.torch.botorch_modular.utils import ModelConfig

    quick_fit_gp, snap = botorch_classes()
    options: dict[str, Any] = {"botorch_model_class": quick_fit_gp} if fast else {}
    if encoding.cells or encoding.one_hot:
        options["input_transform_classes"] = [snap]
        options["input_transform_options"] = {snap.__name__: {"encoding": encoding}}
    return SurrogateSpec(model_configs=[ModelConfig(name="hpstudy", **options)])


@cache
def botorch_classes() -> tuple[type, type]:
    """The Gaussian process and the input transform; defined at first use, because their base classes take seconds to import."""
    import numpy as np
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.models.transforms.input import InputTransform
    from botorch.optim.fit import fit_gpytorch_mll_scipy
    from linear_operator.utils.errors import NanError, NotPSDError

    class QuickFitGP(SingleTaskGP):
        """BoTorch's Gaussian process, fitted to a tolerance beyond which proposals do not improve."""

        fits_once = True

        @property
        def custom_fit(self) -> Callable[..., Any]:
            """The fit that BoTorch calls if a model has this attribute; hidden while BoTorch's own fit runs."""
            if not self.fits_once:
                raise AttributeError("custom_fit")
            return self._fit_once

        def _fit_once(self, mll: Any, **_: Any) -> Any:
            """Fit once. After a singular matrix, use BoTorch's own fit, which retries from other starting values."""
            start = {name: value.clone() for name, value in mll.state_dict().items()}
            try:
                fit_gpytorch_mll_scipy(mll.train(), options={"ftol": FAST.fit_tolerance})
            except (NotPSDError, NanError, np.linalg.LinAlgError):
                mll.load_state_dict(start)
                self.fits_once = False
                return fit_gpytorch_mll(mll)
            return mll.eval()

    class Snap(InputTransform):
        """`Snapping` as BoTorch's input transform."""

        is_one_to_many = False
        transform_on_train = True
        transform_on_eval = True
        transform_on_fantasize = True

        def __init__(self, encoding: Encoding) -> None:
            super().__init__()
            self.snapping = Snapping(encoding)

        def transform(self, X: Tensor) -> Tensor:
            """(..., n, width) coordinates -> (..., n, width) snapped coordinates."""
            return self.snapping(X)

    return QuickFitGP, Snap


@contextmanager
def _no_deprecations() -> Iterator[None]:
    """Ax 1.3 uses pandas options that pandas 4 removes and deprecated names of its own; GPyTorch uses deprecated parts of torch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=DeprecationWarning)
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Import Ax without its INFO lines and without warnings that are irrelevant to the search."""
    with _no_deprecations():
        import ax  # noqa: F401

        _silence_loggers()
        from botorch.exceptions.warnings import BotorchWarning
        from linear_operator.utils.warnings import NumericalWarning

        # Line searches that end early keep the best start, near-singular matrices get jitter, and Ax standardizes values that BoTorch
        # considers not standardized after winsorizing.
        warnings.simplefilter("ignore", category=BotorchWarning)
        warnings.simplefilter("ignore", category=NumericalWarning)
        # Every start ended early: BoTorch retries from other starts.
        warnings.filterwarnings("ignore", message="Optimization failed", category=RuntimeWarning)
        yield


@cache
def _silence_loggers() -> None:
    """Ax sets the level of each of its loggers to INFO."""
    for name in ("ax", *logging.root.manager.loggerDict):
        if name == "ax" or name.startswith("ax."):
            logging.getLogger(name).setLevel(logging.WARNING)
    # Ax logs a line at every ask of a search whose values are all equal, which is not an error.
    logging.getLogger("ax.adapter.transforms.standardize_y").setLevel(logging.ERROR)
