"""Bayesian optimisation by Ax and BoTorch, after an initial Sobol design.

Ax keeps no numerical state between two asks: it fits its Gaussian process from scratch. So the Ax experiment is rebuilt from the
history on every ask (a few ms), and an ask is a function of its arguments; see `hpstudy.search.interface`.

Ax is given coordinates in [0, 1] (`hpstudy.search.encoding`), and the Gaussian process snaps those of whole numbers and choices
to their cells. Ax's own way with choices, one acquisition optimisation for each combination of values, takes more than twice as
long on four floats and two two-valued choices. Otherwise surrogate, outcome transforms and acquisition (noisy expected
improvement) are Ax's defaults. This is the only file that knows Ax, BoTorch and GPyTorch; importing them takes seconds, so it
happens inside `ask`.

References:
    S. Ament et al., "Unexpected improvements to expected improvement for Bayesian optimization", NeurIPS 2023 (the acquisition).
    C. Hvarfner et al., "Vanilla Bayesian optimization performs great in high dimensions", ICML 2024 (the surrogate's priors).
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from hpstudy.search.encoding import Cells, Encoding
from hpstudy.search.interface import Goal, Observation, Searcher
from hpstudy.search.likelihood import LogNormal, Loss
from hpstudy.search.sobol import sobol_points
from hpstudy.search.untried import is_tried, untried_points
from hpstudy.seeds import derive_seed, seeded_block
from hpstudy.study.space import Point, Space

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

METRIC = "objective"
"""What Ax calls the value of a trial, always maximised: values to minimise change sign."""

FAST_OPTIMIZER = {"num_restarts": 4, "raw_samples": 256, "options": {"maxiter": 50, "init_batch_limit": 256}}
"""Acquisition optimiser of `effort: fast`. Ax's own is 20 restarts from 1,024 raw samples: 1.5 times the time per ask, and over
60 paired searches of 25 trials no difference in regret that could be told from chance."""

LENGTHS, NOISE, MEAN = "model.covar_module.raw_lengthscale", "likelihood.noise_covar.raw_noise", "model.mean_module.raw_constant"
"""BoTorch's names of the Gaussian process's parameters."""

FALLBACKS = 256
"""Untried points among which the acquisition chooses when its optimum was tried before: all of a small finite space."""

MAX_STANDARDIZED = 1e12
"""Values further out, in interquartile ranges, are cut: Ax winsorises them anyway, but squares them first."""


class AxSettings(BaseModel):
    """Settings of the `ax` searcher."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    initial: int = Field(default=5, ge=2)
    """Trials of the initial Sobol design, before the first that the surrogate proposes."""
    effort: Literal["fast", "default"] = "fast"
    """How hard fit and acquisition are optimised: `default` is Ax's own setting, `fast` takes about 60 % of its time."""


class AxSearcher(Searcher):
    """Ax's default Bayesian optimisation: a Gaussian process and noisy expected improvement.

    Trials before `initial`, and trials for which fewer than two past trials have a value, come from the search's Sobol sequence:
    the same points as `SobolSearcher`'s. A trial without a value (or with one that is not finite) is told to Ax as abandoned,
    which keeps the search away from its point. No point is tried twice while the space holds an untried one.
    """

    Settings: ClassVar[type[BaseModel]] = AxSettings
    settings: AxSettings

    def ask(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point:
        """The point of trial `number`; see `Searcher.ask`."""
        valued = sum(_has_value(past) for past in history)
        if number >= self.settings.initial and valued >= 2:
            with _quiet(), seeded_block(derive_seed(seed, "ask", number)):
                proposed = self._propose(space, history, goal=goal, seed=seed, number=number)
            if proposed is not None:
                return proposed
        untried = untried_points(space, history, seed=seed, number=number, count=1)
        return untried[0] if untried else sobol_points(space, seed=seed, start=number, count=1)[0]

    def _propose(self, space: Space, history: Sequence[Observation], *, goal: Goal, seed: int, number: int) -> Point | None:
        """The surrogate's proposal; None when there is no surrogate, or nothing left to propose."""
        from ax.adapter.registry import Generators
        from ax.core.observation import ObservationFeatures
        from ax.core.utils import extract_pending_observations
        from botorch.exceptions.errors import ModelFittingError

        fast = self.settings.effort == "fast"
        encoding = Encoding(space)
        experiment = _experiment(encoding, history, goal)
        pending = extract_pending_observations(experiment=experiment) or {}
        try:
            adapter: Any = Generators.BOTORCH_MODULAR(
                experiment=experiment, data=experiment.lookup_data(), surrogate_spec=_surrogate(encoding, fast)
            )
        except ModelFittingError as error:
            logger.warning("no Gaussian process could be fitted (%s): trial %d takes a Sobol point", error, number)
            return None
        # A copy, because Ax takes entries out of the dictionary that it is given.
        options = {"optimizer_kwargs": dict(FAST_OPTIMIZER)} if fast else {}
        proposed = adapter.gen(n=1, pending_observations=pending, model_gen_options=options).arms[0].parameters
        point = encoding.decode([float(proposed[name]) for name in _coordinates(encoding)])
        if not is_tried(point, history):
            return point
        untried = untried_points(space, history, seed=seed, number=number, count=FALLBACKS)
        if not untried:
            return point
        features = [ObservationFeatures(dict(zip(_coordinates(encoding), encoding.encode(p), strict=True))) for p in untried]
        return untried[int(np.argmax(adapter.evaluate_acquisition_function(features, pending_observations=pending)))]


def _has_value(past: Observation) -> bool:
    return past.value is not None and math.isfinite(past.value)


def _coordinates(encoding: Encoding) -> list[str]:
    """Ax's names of the coordinates."""
    return [f"x{column}" for column in range(encoding.width)]


def _standardized(values: Sequence[float]) -> list[float]:
    """Values relative to their median, in units of their interquartile range (or full range, where that is zero).

    Ax takes a standard deviation below 1e-8 for zero and overflows above 1e150; in these units it meets neither.
    """
    array = np.asarray(values, dtype=np.float64) / max(1.0, 1e-200 * float(np.max(np.abs(values))))
    first, median, third = np.quantile(array, [0.25, 0.5, 0.75])
    spread = float(third - first) or float(np.ptp(array)) or 1.0
    return np.clip((array - median) / spread, -MAX_STANDARDIZED, MAX_STANDARDIZED).tolist()  # type: ignore[no-any-return]


def _experiment(encoding: Encoding, history: Sequence[Observation], goal: Goal) -> Any:
    """The history as an Ax experiment: trials with a value completed, the others abandoned."""
    import pandas as pd
    from ax.core.data import Data
    from ax.core.experiment import Experiment
    from ax.core.metric import Metric
    from ax.core.objective import Objective
    from ax.core.optimization_config import OptimizationConfig
    from ax.core.parameter import ParameterType, RangeParameter
    from ax.core.search_space import SearchSpace

    names = _coordinates(encoding)
    experiment = Experiment(
        search_space=SearchSpace([RangeParameter(name, ParameterType.FLOAT, 0.0, 1.0) for name in names]),
        optimization_config=OptimizationConfig(Objective(METRIC, metric_name_to_signature={METRIC: METRIC})),
        metrics=[Metric(METRIC, lower_is_better=False)],
    )
    sign = 1.0 if goal == "maximize" else -1.0
    means = iter(_standardized([sign * float(past.value) for past in history if past.value is not None and _has_value(past)]))
    rows = []
    for index, past in enumerate(history):
        # Ax names the arm, because a point that comes again is the same arm to it.
        arms, _ = experiment.attach_trial([dict(zip(names, encoding.encode(past.point), strict=True))])
        if _has_value(past):
            rows += [(index, arm, METRIC, METRIC, next(means), math.nan) for arm in arms]
    columns = ["trial_index", "arm_name", "metric_name", "metric_signature", "mean", "sem"]
    experiment.attach_data(Data(df=pd.DataFrame(rows, columns=columns)))
    for trial, past in zip(experiment.trials.values(), history, strict=True):
        if _has_value(past):
            trial.mark_completed()
        else:
            trial.mark_abandoned()
    return experiment


def _surrogate(encoding: Encoding, fast: bool) -> Any:
    """What Ax is told of the Gaussian process: all its defaults, but the snapping and, when fast, the quick fit."""
    from ax.generators.torch.botorch_modular.surrogate import SurrogateSpec
    from ax.generators.torch.botorch_modular.utils import ModelConfig

    quick_fit_gp, snap = _botorch_classes()
    options: dict[str, Any] = {"botorch_model_class": quick_fit_gp} if fast else {}
    if encoding.cells or encoding.one_hot:
        options["input_transform_classes"] = [snap]
        options["input_transform_options"] = {snap.__name__: {"cells": tuple(encoding.cells), "one_hot": tuple(encoding.one_hot)}}
    return SurrogateSpec(model_configs=[ModelConfig(name="hpstudy", **options)])


@cache
def _botorch_classes() -> tuple[type, type]:
    """The Gaussian process and the input transform; made on first use, because their base classes take seconds to import."""
    import torch
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.models.transforms.input import InputTransform
    from botorch.optim.fit import fit_gpytorch_mll_scipy
    from linear_operator.utils.errors import NanError, NotPSDError

    class QuickFitGP(SingleTaskGP):
        """BoTorch's Gaussian process; its fit has the gradient in closed form (`hpstudy.search.likelihood`)."""

        def custom_fit(self, mll: Any, **_: Any) -> Any:
            """One fit; where it meets a singular matrix, BoTorch's own, which starts again from elsewhere."""
            start = {name: value.clone() for name, value in mll.state_dict().items()}
            try:
                parameters = {name: value for name, value in mll.train().named_parameters() if value.requires_grad}
                fit_gpytorch_mll_scipy(mll, parameters=parameters, closure=_closure(mll, parameters))
            except (NotPSDError, NanError, np.linalg.LinAlgError):
                mll.load_state_dict(start)
                self.__class__ = SingleTaskGP  # BoTorch would call custom_fit again
                return fit_gpytorch_mll(mll)
            return mll.eval()

    class Snap(InputTransform):
        """Moves coordinates to the centres of their cells, and one-hot groups to their largest coordinate.

        Constant within a cell, so its gradient is zero: an acquisition optimiser moves the other coordinates, from starts in many
        cells.
        """

        is_one_to_many = False
        transform_on_train = True
        transform_on_eval = True
        transform_on_fantasize = True

        def __init__(self, cells: Sequence[Cells], one_hot: Sequence[tuple[int, int]]) -> None:
            super().__init__()
            self.cells = [(c.column, torch.from_numpy(c.borders), torch.from_numpy(c.centres)) for c in cells]
            self.one_hot = one_hot

        def transform(self, X: Tensor) -> Tensor:
            """(..., n, width) coordinates -> (..., n, width) snapped coordinates."""
            snapped = X.clone()
            for column, borders, centres in self.cells:
                snapped[..., column] = centres[torch.bucketize(X[..., column].detach().contiguous(), borders, right=True)]
            for start, values in self.one_hot:
                group = X[..., start : start + values].detach()
                snapped[..., start : start + values] = torch.nn.functional.one_hot(group.argmax(-1), values).to(X)
            return snapped

    return QuickFitGP, Snap


def _closure(mll: Any, parameters: Mapping[str, Any]) -> Any:
    """Loss and gradients of BoTorch's fit in closed form; None, which leaves them to GPyTorch, for a process of another kind."""
    import torch
    from gpytorch.kernels import RBFKernel
    from gpytorch.likelihoods import GaussianLikelihood
    from gpytorch.means import ConstantMean
    from gpytorch.priors import LogNormalPrior

    model, likelihood = mll.model, mll.likelihood
    kinds = (type(model.covar_module), type(model.mean_module), type(likelihood))
    if kinds != (RBFKernel, ConstantMean, GaussianLikelihood) or set(parameters) != {LENGTHS, NOISE, MEAN}:
        return None
    priors = [model.covar_module.lengthscale_prior, likelihood.noise_covar.noise_prior]
    constraints = [model.covar_module.raw_lengthscale_constraint, likelihood.noise_covar.raw_noise_constraint]
    if any(type(prior) is not LogNormalPrior for prior in priors) or any(constraint.enforced for constraint in constraints):
        return None
    length_prior, noise_prior = (LogNormal(float(prior.loc), float(prior.scale)) for prior in priors)
    x = model.transform_inputs(model.train_inputs[0]).detach().numpy()
    loss = Loss(x, model.train_targets.numpy(), length_prior=length_prior, noise_prior=noise_prior)

    def closure() -> tuple[Any, list[Any]]:
        lengths, noise, mean = (parameters[name].detach().numpy().ravel() for name in (LENGTHS, NOISE, MEAN))
        value, by_lengths, by_noise, by_mean = loss(lengths, float(noise[0]), float(mean[0]))
        gradients = {LENGTHS: by_lengths, NOISE: by_noise, MEAN: by_mean}
        return torch.tensor(value), [torch.as_tensor(gradients[name]).reshape(p.shape) for name, p in parameters.items()]

    return closure


@contextmanager
def _quiet() -> Iterator[None]:
    """Ax without its INFO lines, and without the warnings that say nothing about the search."""
    with warnings.catch_warnings():
        # Ax 1.3 uses pandas options that pandas 4 removes, and deprecated names of its own.
        warnings.simplefilter("ignore", category=DeprecationWarning)
        import ax  # noqa: F401

        _silence_loggers()
        from botorch.exceptions.warnings import BotorchWarning
        from linear_operator.utils.warnings import NumericalWarning

        # Line searches that end early keep the best start, near-singular matrices get jitter, and Ax standardises what BoTorch
        # finds not standardised after winsorising.
        warnings.simplefilter("ignore", category=BotorchWarning)
        warnings.simplefilter("ignore", category=NumericalWarning)
        yield


@cache
def _silence_loggers() -> None:
    """Ax gives each of its loggers a level of its own, INFO."""
    for name in ("ax", *logging.root.manager.loggerDict):
        if name == "ax" or name.startswith("ax."):
            logging.getLogger(name).setLevel(logging.WARNING)
    # One line for every ask of a search whose values are all equal, which is no mistake of the search.
    logging.getLogger("ax.adapter.transforms.standardize_y").setLevel(logging.ERROR)
